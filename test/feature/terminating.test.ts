import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, type MeshDir } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'shop.default.svc.cluster.local';
const going = { ready: false, serving: true, terminating: true };

describeWith(['envoy'], 'an Envoy whose endpoints all terminate but serve', () => {
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let old: Backend;
  let young: Backend;
  let port: number;

  /** Writes a slice for each backend, because a slice has one port. */
  const write = (conditions: Readonly<Record<string, object>>) =>
    mesh.write(
      'slices.yaml',
      ...[old, young].flatMap((backend) => {
        const own = conditions[backend.name];
        return own === undefined ? [] : [sliceOf(backend, own)];
      }),
    );
  const answers = async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => get(port, { host })));
    return [...new Set(responses.map(({ status, body }) => `${status} ${body}`))].sort();
  };
  const answer = (want: string) => eventually(async () => String(await answers()) === want, { what: want });

  beforeAll(async () => {
    [old, young, port, mesh] = await Promise.all([
      startBackend('old'),
      startBackend('young'),
      freePort(),
      createMeshDir(),
    ]);
    await mesh.write('service.yaml', service(port), ejecting);
    await write({ old: { ready: true } });
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await Promise.all([old?.stop(), young?.stop(), mesh?.delete()]);
  });

  it('calls them, with outlier detection too, and only ready ones beside them', async () => {
    await answer('200 old');
    await write({ old: going, young: { ready: true } });
    await answer('200 young');
    await write({ old: going });
    await eventually(async () => (await envoy.admin('/clusters')).includes(`:${old.port}::`), { what: 'old is back' });
    await eventually(async () => !(await envoy.admin('/clusters')).includes(`:${young.port}::`), {
      what: 'young left',
    });
    expect(await answers()).toEqual(['200 old']);
  });
});

const service = (port: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { clusterIP: '127.0.0.99', ports: [{ name: 'http', port }] },
});

/** Outlier detection sets Envoy's panic threshold to 0: no endpoint is called that Envoy takes for unhealthy. */
const ejecting = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { host, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } } },
};

const sliceOf = ({ name, port }: Backend, conditions: object) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `shop-${name}`, namespace: 'default', labels: { 'kubernetes.io/service-name': 'shop' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['127.0.0.1'], conditions }],
  ports: [{ name: 'http', port }],
});
