import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointAddresses } from '../support/ads-resources.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { sendJson } from '../support/http.ts';
import { MosnClient } from './grpc-xds/mosn-client.ts';

/** Two services whose routes are in two route configurations. */
describe('a client that behaves like MOSN', () => {
  let dataDir: string;
  let controlPlane: ControlPlane;
  let client: MosnClient;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'binnacle-mosn-'));
    controlPlane = await startControlPlane({ dataDir });
    await register('cart', 80, '10.1.0.1');
    await register('stock', 81, '10.2.0.1');
    client = new MosnClient(controlPlane.xdsPort);
    await came([1, 1, 1, 1]);
  });
  afterEach(async () => {
    client?.stop();
    await controlPlane?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const register = (service: string, servicePort: number, address: string) =>
    sendJson(controlPlane.httpPort, 'PUT', `/registry/v1/namespaces/shop/services/${service}.test/instances/one`, {
      address,
      ports: [{ name: 'http', port: 8080, protocol: 'http', servicePort }],
      ttlSeconds: 600,
    });
  /** Waits for at least this many responses of CDS, EDS, LDS and RDS. */
  const came = (counts: readonly number[]) =>
    eventually(() => client.counts().every((count, index) => count >= (counts[index] ?? 0)), {
      what: `${counts.join(', ')} responses`,
    });
  /** Makes a change that is sent in a single response. Superfluous responses would arrive before it. */
  const endpointsMoved = async (address: string) => {
    await register('cart', 80, address);
    await eventually(() => endpointsOfCart().includes(`${address}:8080`), { what: `the endpoint ${address}` });
  };
  const endpointsOfCart = () => endpointAddresses(client.types.endpoint.has.get('outbound|80||cart.test'));

  it('receives everything once, in order', async () => {
    await endpointsMoved('10.1.0.2');
    expect(client.counts()).toEqual([1, 2, 1, 1]);
    const { cluster, listener, route } = client.types;
    expect([...cluster.has.keys()]).toEqual(
      expect.arrayContaining(['outbound|80||cart.test', 'outbound|81||stock.test']),
    );
    expect([...listener.has.keys()].sort()).toEqual(['127.0.0.1_80', '127.0.0.1_81']);
    expect([...route.has.keys()].sort()).toEqual(['80', '81']);
  });

  it('receives a changed route with all others, though it acknowledges only the names of responses', async () => {
    for (const prefix of ['/first', '/second']) {
      const before = client.counts()[3] ?? 0;
      await sendJson(controlPlane.httpPort, 'POST', '/apis/networking.istio.io/v1/namespaces/shop/virtualservices', {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: prefix.slice(1), namespace: 'shop' },
        spec: {
          hosts: [prefix === '/first' ? 'cart.test' : 'stock.test'],
          http: [{ match: [{ uri: { prefix } }], route: [{ destination: { host: 'cart.test' } }] }],
        },
      });
      await came([0, 0, 0, before + 1]);
    }
    await endpointsMoved('10.1.0.2');
    expect(client.counts()).toEqual([1, 2, 1, 3]);
    expect(client.types.route.responses).toEqual([
      ['80', '81'],
      ['80', '81'],
      ['80', '81'],
    ]);
  });

  it('receives a new service in a bounded number of responses', async () => {
    await register('orders', 82, '10.3.0.1');
    await eventually(() => client.types.route.has.has('82'), { what: 'the route' });
    await endpointsMoved('10.1.0.2');
    const [clusters = 0, endpoints = 0, listeners = 0, routes = 0] = client.counts();
    expect(clusters).toBe(2);
    expect(endpoints).toBeLessThanOrEqual(4); // the new one with its cluster, and on request; the moved one
    expect(listeners).toBe(2);
    expect(routes).toBeLessThanOrEqual(3);
    expect([...client.types.endpoint.has.keys()]).toContain('outbound|82||orders.test');
    expect(client.types.route.responses.at(-1)).toEqual(['80', '81', '82']);
  });

  it('receives everything again on another stream, although it claims to have it', async () => {
    client.reconnect();
    await came([2, 2, 2, 2]);
    await endpointsMoved('10.1.0.2');
    expect(client.counts()).toEqual([2, 3, 2, 2]);
    expect(client.types.route.responses.at(-1)).toEqual(['80', '81']);
  });

  it('receives everything from a restarted control plane, whose nonces differ', async () => {
    const { httpPort, xdsPort } = controlPlane;
    await controlPlane.kill();
    controlPlane = await startControlPlane({ dataDir, httpPort, xdsPort });
    client.reconnect();
    await came([2, 2, 2, 2]);
    await endpointsMoved('10.1.0.2');
    expect(client.counts()).toEqual([2, 3, 2, 2]);
  });
});
