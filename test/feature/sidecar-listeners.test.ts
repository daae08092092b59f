import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get, type HttpRequest } from '../support/http.ts';
import { createMeshDir, type MeshDir } from '../support/mesh-dir.ts';
import { freePorts } from '../support/ports.ts';

const workload = '127.0.0.10';
const labels = { app: 'web' };

/** An HTTP service with several ports and one endpoint, which serves all of them at `target`. */
const service = (host: string, numbers: readonly number[], target: number, address = '127.0.0.1') => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: {
    hosts: [host],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: numbers.map((number) => ({ name: `http-${number}`, number, targetPort: target, protocol: 'HTTP' })),
    endpoints: [{ address }],
  },
});

const sidecar = (spec: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: { name: 'own', namespace: 'default' },
  spec,
});

const http = (number: number) => ({ number, protocol: 'HTTP', name: `http-${number}` });

/** Status and body, or the error code of a connection that fails. */
const answer = async (port: number, request: HttpRequest = {}) => {
  try {
    const { status, body } = await get(port, request);
    return `${status} ${body}`.trim();
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code); // errors of node:net have a code
  }
};

/** First line of the answer to a request for a tunnel. */
async function tunnel(port: number, authority: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
    const [data] = await once(socket, 'data');
    return String(data).split('\r\n', 1).join();
  } finally {
    socket.destroy();
  }
}

/** Makes eight calls at a time until it is ended, which returns the answers that differ from `want`. */
function keepCalling(call: () => Promise<string>, want: RegExp) {
  let isEnded = false;
  const calling = (async () => {
    const failed: string[] = [];
    while (!isEnded) {
      const answers = await Promise.all(Array.from({ length: 8 }, call));
      failed.push(...answers.filter((one) => !want.test(one)));
    }
    return failed;
  })();
  return {
    end() {
      isEnded = true;
      return calling;
    },
  };
}

for (const protocol of ['sotw', 'delta'] as const) {
  describeWith(['envoy'], `the listeners of a Sidecar, over ${protocol}`, () => {
    let folder: string;
    let mesh: MeshDir;
    let controlPlane: ControlPlane;
    let envoy: Envoy;
    /** Applications of the workload, at an address and at a Unix domain socket. */
    let app: Backend;
    let atSocket: Backend;
    let shop: Backend;
    let books: Backend;
    /** Ports of the workload, the first with a service. */
    let served: number;
    let unnamed: number;
    /** Port of shop.test with a listener of its own. */
    let own: number;
    /** Port that both shop.test and books.test have. */
    let common: number;
    let proxyPort: number;

    const socketPath = (name: string) => join(folder, name);
    /** The ingress listeners: the applications that answer at the two ports. */
    const ingress = (first = `127.0.0.1:${app.port}`, second = `unix://${socketPath('app')}`) => [
      { port: http(served), defaultEndpoint: first },
      { port: http(unnamed), defaultEndpoint: second },
    ];
    const atOwn = (bind = '127.0.0.2') => ({ port: http(own), bind, hosts: ['./shop.test'] });
    const rest = (...hosts: string[]) => ({ hosts: hosts.map((host) => `./${host}`) });
    const registryOnly = { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } };
    const write = (spec: object) => mesh.write('sidecar.yaml', sidecar({ ingress: ingress(), ...spec }));
    const becomes = (call: () => Promise<string>, want: string, what: string) =>
      eventually(async () => (await call()) === want, { what: `${want} of ${what}` }).catch(async (cause: unknown) => {
        throw new Error(`${what} answers ${await call()}`, { cause });
      });

    const shopAtOwn = (address = '127.0.0.2') => answer(own, { address, host: 'shop.test' });
    const shopAtCommon = () => answer(common, { host: 'shop.test' });
    const booksAtCommon = () => answer(common, { host: 'books.test' });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'binnacle-sidecar-'));
      [app, atSocket, shop, books] = await Promise.all([
        startBackend('app'),
        startBackend('app at a socket', { socket: socketPath('app') }),
        startBackend('shop'),
        startBackend('books'),
      ]);
      [served = 0, unnamed = 0, own = 0, common = 0, proxyPort = 0] = await freePorts(5);
      mesh = await createMeshDir();
      await mesh.write(
        'services.yaml',
        service('web.test', [served], served, workload),
        service('shop.test', [own, common], shop.port),
        service('books.test', [common], books.port),
      );
      await write({ egress: [atOwn(), rest('books.test', 'web.test')], ...registryOnly });
      controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
      const bootstrap = sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol, address: workload, labels });
      envoy = await startEnvoy({ bootstrap });
    });
    afterAll(async () => {
      await envoy?.stop();
      await controlPlane?.stop();
      await Promise.all([app?.stop(), atSocket?.stop(), shop?.stop(), books?.stop(), mesh?.delete()]);
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    it('forward calls of a served port to the address of the application', async () => {
      await becomes(() => answer(served, { address: workload }), '200 app', 'the served port');
      await becomes(() => answer(served, { host: 'web.test' }), '200 app', 'its service');
    });

    it('forward calls of a port without a service to the socket of the application', async () => {
      await becomes(() => answer(unnamed, { address: workload }), '200 app at a socket', 'the port without a service');
    });

    it('serve each host only at its own listener', async () => {
      await becomes(shopAtOwn, '200 shop', 'shop at the address of its listener');
      await becomes(booksAtCommon, '200 books', 'books at the listener for the other ports');
      expect(await answer(own, { address: '127.0.0.2', host: 'books.test' })).toBe('502');
      expect(await shopAtCommon()).toBe('502');
      expect(await answer(own, { host: 'shop.test' })).toBe('ECONNREFUSED');
    });

    it('serve hosts at a Unix domain socket, each port by its name', async () => {
      const bind = `unix://${socketPath('egress')}`;
      await write({
        egress: [
          { port: { number: 0, protocol: 'HTTP', name: 'any' }, bind, hosts: ['./shop.test'] },
          rest('books.test'),
        ],
        ...registryOnly,
      });
      const through = (host: string) => answer(0, { socket: socketPath('egress'), host });
      await becomes(() => through(`shop.test:${own}`), '200 shop', 'the socket');
      expect(await through(`shop.test:${common}`)).toBe('200 shop');
      expect(await through(`books.test:${common}`)).toBe('502');
      expect(await booksAtCommon()).toBe('200 books');
    });

    it('are an HTTP proxy for clients that send absolute URLs, without tunnels', async () => {
      await write({
        egress: [
          { port: { number: proxyPort, protocol: 'HTTP_PROXY', name: 'proxy' }, hosts: ['./shop.test'] },
          rest('books.test'),
        ],
        ...registryOnly,
      });
      const through = (authority: string) => answer(proxyPort, { path: `http://${authority}/cart`, host: authority });
      await becomes(() => through(`shop.test:${own}`), '200 shop', 'the proxy');
      expect(shop.requests.at(-1)?.path).toBe('/cart');
      expect(await through(`shop.test:${common}`)).toBe('200 shop');
      expect(await through(`books.test:${common}`)).toBe('502');
      expect(await tunnel(proxyPort, `shop.test:${own}`)).toBe('HTTP/1.1 404 Not Found');
    });

    for (const [name, outboundTrafficPolicy] of [
      ['REGISTRY_ONLY', { mode: 'REGISTRY_ONLY' }],
      ['no mode', {}],
    ] as const) {
      it(`refuse other hosts by a policy with ${name}, unlike without one`, async () => {
        const egress = [rest('books.test')];
        await write({ egress });
        // Nothing redirects connections to this sidecar, so that it knows no address to pass them on to.
        await becomes(shopAtCommon, '503 no healthy upstream', 'an unknown host without a policy');
        await write({ egress, outboundTrafficPolicy });
        await becomes(shopAtCommon, '502', 'an unknown host');
        expect(await answer(common, { host: 'elsewhere.test' })).toBe('502');
        expect(await booksAtCommon()).toBe('200 books');
      });
    }

    it('change without a failed call of a host that stays allowed', async () => {
      const proxy = { port: { number: proxyPort, protocol: 'HTTP_PROXY', name: 'proxy' }, hosts: ['*/*'] };
      await write({ egress: [rest('books.test')], ...registryOnly });
      await becomes(shopAtOwn, 'ECONNREFUSED', 'shop');
      await becomes(booksAtCommon, '200 books', 'books');
      const load = keepCalling(booksAtCommon, /^200 books$/);
      for (const [index, { spec, of, want }] of [
        { spec: { egress: [atOwn(), rest('books.test')], ...registryOnly }, of: shopAtOwn, want: '200 shop' },
        {
          spec: { egress: [atOwn('127.0.0.3'), rest('books.test')] },
          of: () => shopAtOwn('127.0.0.3'),
          want: '200 shop',
        },
        { spec: { egress: [rest('shop.test', 'books.test')] }, of: shopAtCommon, want: '200 shop' },
        {
          spec: { egress: [{ port: http(common), ...rest('books.test') }, rest('shop.test')], ...registryOnly },
          of: shopAtCommon,
          want: '502',
        },
        { spec: { egress: [proxy, rest('books.test', 'shop.test')] }, of: shopAtCommon, want: '200 shop' },
        { spec: { egress: [proxy, rest('books.test')], outboundTrafficPolicy: {} }, of: shopAtCommon, want: '502' },
        { spec: null, of: shopAtCommon, want: '200 shop' },
        { spec: { egress: [rest('books.test')], ...registryOnly }, of: shopAtCommon, want: '502' },
        { spec: { egress: [rest('*')], workloadSelector: { labels } }, of: shopAtCommon, want: '200 shop' },
        {
          spec: { egress: [{ hosts: ['*/*', '~default/shop.test'] }], ...registryOnly },
          of: shopAtCommon,
          want: '502',
        },
      ].entries()) {
        if (spec === null) await mesh.remove('sidecar.yaml');
        else await write(spec);
        await becomes(of, want, `shop after change ${index}`);
      }
      expect(await load.end()).toEqual([]);
    });

    it('change the application of a served port without a failed call', async () => {
      const egress = [rest('books.test')];
      const call = () => answer(served, { address: workload });
      const [address, socket] = [`127.0.0.1:${app.port}`, `unix://${socketPath('app')}`];
      await write({ egress });
      await becomes(call, '200 app', 'the served port');
      const load = keepCalling(call, /^200 app/);
      for (const [spec, want] of [
        [{ ingress: ingress(socket, address) }, '200 app at a socket'],
        [{ ingress: ingress(address), inboundConnectionPool: { tcp: { maxConnections: 1_000 } } }, '200 app'],
        [{ ingress: ingress(socket).slice(0, 1) }, '200 app at a socket'],
        [{ ingress: ingress(address).reverse() }, '200 app'],
      ] as const) {
        await write({ egress, ...spec });
        await becomes(call, want, 'the served port');
      }
      expect(await load.end()).toEqual([]);
    });

    it('have no part that the sidecar rejects', async () => {
      const stats = await envoy.stats('update_rejected$');
      expect([...stats].filter(([, value]) => value > 0)).toEqual([]);
      for (const type of ['cluster', 'endpoint', 'listener', 'route']) {
        expect(await controlPlane.metric(`binnacle_nacks_total{type="${type}"}`)).toBe(0);
      }
    });
  });
}
