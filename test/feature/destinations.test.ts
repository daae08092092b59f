import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry, trafficPolicy } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'shop.test';

/** Ejects an endpoint after one failure, soon and for a short time. */
const ejecting = {
  outlierDetection: {
    consecutive5xxErrors: 1,
    interval: '0.1s',
    baseEjectionTime: '1s',
    maxEjectionPercent: 100,
  },
};

describeWith(['envoy'], 'calls of a destination', () => {
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let port: number;
  let backends: readonly Backend[];

  const answers = async (headers: Readonly<Record<string, string>> = {}) => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => get(port, { host, headers })));
    return [...new Set(responses.map(({ status, body }) => `${status} ${status === 200 ? body : ''}`))].sort();
  };
  const answer = (...want: readonly string[]) =>
    eventually(async () => String(await answers()) === String(want), { what: `answers: ${want.join()}` });
  const entry = (localities: readonly string[]) =>
    serviceEntry(
      host,
      port,
      localities.map((locality, index) => ({ port: backends[index]?.port ?? 0, locality })),
    );

  beforeAll(async () => {
    [port, mesh, ...backends] = await Promise.all([
      freePort(),
      createMeshDir(),
      ...['near', 'far', 'third', 'fourth'].map((name) => startBackend(name)),
    ]);
    await mesh.write('service.yaml', entry(['r1/z1', 'r2/z1']));
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    const bootstrap = sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta', locality: 'r1/z1' });
    envoy = await startEnvoy({ bootstrap });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await Promise.all([...(backends ?? []).map((backend) => backend.stop()), mesh?.delete()]);
  });

  it('go to the own locality while it works, then to another one, and return', async () => {
    const [near] = backends;
    await answer('200 far', '200 near');
    await mesh.write('rule.yaml', trafficPolicy(host, ejecting));
    await answer('200 near');
    near?.failNext(1_000_000);
    await answer('200 far');
    near?.failNext(0);
    await answer('200 near');
  });

  it('are shared out among localities, without those that have no share', async () => {
    const distribute = [{ from: 'r1/*', to: { 'r2/*': 100 } }];
    await mesh.write('rule.yaml', trafficPolicy(host, { loadBalancer: { localityLbSetting: { distribute } } }));
    await answer('200 far');
  });

  it('leave out an endpoint that fails, until its ejection ends', async () => {
    const [near] = backends;
    await mesh.write('service.yaml', entry(['', '']));
    await mesh.write('rule.yaml', trafficPolicy(host, ejecting));
    await answer('200 far', '200 near');
    near?.failNext(1_000_000);
    await answer('200 far');
    expect(await envoy.admin('/clusters')).toContain('/failed_outlier_check');
    near?.failNext(0);
    await answer('200 far', '200 near');
  });

  for (const [name, consistentHash] of Object.entries({
    'a hash ring': { httpHeaderName: 'x-user' },
    'a Maglev table': { httpHeaderName: 'x-user', maglev: {} },
  })) {
    it(`with equal keys go to the same endpoint, by ${name}`, async () => {
      await mesh.write('service.yaml', entry(['', '', '', '']));
      await mesh.write('rule.yaml', trafficPolicy(host, { loadBalancer: { simple: 'ROUND_ROBIN' } }));
      await eventually(async () => (await answers({ 'x-user': 'user-1' })).length > 1, {
        what: 'calls without a hash',
      });
      await mesh.write('rule.yaml', trafficPolicy(host, { loadBalancer: { consistentHash } }));
      const users = Array.from({ length: 12 }, (_, index) => `user-${index}`);
      const chosen = () => Promise.all(users.map((user) => answers({ 'x-user': user })));
      const first = await eventually(
        async () => {
          const all = await chosen();
          return all.every((one) => one.length === 1) ? all : null;
        },
        { what: 'one endpoint for each user' },
      );
      expect(new Set(first.flat()).size).toBeGreaterThan(1);
      expect(await chosen()).toEqual(first);
    });
  }

  it('find no endpoint while all are unhealthy, and find them again', async () => {
    await mesh.remove('rule.yaml');
    await mesh.write('service.yaml', ...kubernetes(port, backends[0], true));
    await answer('200 near');
    await mesh.write('service.yaml', ...kubernetes(port, backends[0], false));
    await answer('503 ');
    expect(await envoy.admin('/clusters')).toContain(
      `127.0.0.1:${backends[0]?.port}::health_flags::/failed_eds_health`,
    );
    await mesh.write('service.yaml', ...kubernetes(port, backends[0], true));
    await answer('200 near');
  });
});

/** The same host as a Kubernetes service with one Pod, ready or not. */
const kubernetes = (port: number, backend: Backend | undefined, ready: boolean) => [
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'shop', namespace: 'default' },
    spec: {
      hosts: [host],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [{ name: 'http', number: port, targetPort: backend?.port, protocol: 'HTTP' }],
      workloadSelector: { labels: { app: 'shop' } },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shop-0', namespace: 'default', labels: { app: 'shop' } },
    spec: { containers: [{ name: 'main', image: 'example/main' }] },
    status: {
      ...{ phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] },
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  },
];
