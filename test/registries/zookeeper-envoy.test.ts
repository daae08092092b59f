import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, destinationRule, type MeshDir, to, virtualService } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';
import { connectZooKeeper, type ZooKeeperClient } from '../support/zookeeper/client.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

const host = 'demo._greet.v-1.0.dubbo';

describeWith(['zookeeper', 'envoy'], 'a sidecar that calls services of ZooKeeper', () => {
  let zk: ZooKeeper;
  let providers: ZooKeeperClient;
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let port: number;
  let blue: Backend;
  let green: Backend;

  const providerNode = (backend: Backend, color: string) =>
    `/dubbo/demo.Greet/providers/${encodeURIComponent(
      `rest://127.0.0.1:${backend.port}/demo.Greet?interface=demo.Greet&version=1.0&color=${color}`,
    )}`;
  const colors = async (name = host) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(port, { host: name })));
    return [...new Set(answers.map(({ status, body }) => (status === 200 ? body : String(status))))].sort().join();
  };
  const answers = (want: string, name = host) =>
    eventually(async () => (await colors(name)) === want, { what: `answers from ${want}`, timeoutMs: 300_000 });

  beforeAll(async () => {
    [zk, blue, green, port, mesh] = await Promise.all([
      startZooKeeper(),
      startBackend('blue'),
      startBackend('green'),
      freePort(),
      createMeshDir(),
    ]);
    providers = await connectZooKeeper(zk.port, { timeoutMs: 60_000 });
    await providers.put(providerNode(blue, 'blue'));
    await providers.put(
      '/curator/orders/1',
      JSON.stringify({ name: 'orders', address: '127.0.0.1', port: green.port }),
    );
    const adapter = {
      type: 'zookeeper',
      servers: [zk.address],
      sessionTimeoutSeconds: 4,
      dubbo: { ports: { rest: port } },
      curator: [{ root: '/curator', hostname: '{name}.shop.test', port }],
    };
    controlPlane = await startControlPlane({
      config: { adapters: [adapter, { type: 'file', path: mesh.path }] },
      readyTimeoutMs: 300_000,
    });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await providers?.close();
    await Promise.all([zk?.close(), blue?.stop(), green?.stop(), mesh?.delete()]);
  });

  it('reaches a provider of Dubbo, and an instance of Curator', async () => {
    await answers('blue');
    await answers('green', 'orders.shop.test');
  });

  it('reaches a provider that joins, and selects by its parameters', async () => {
    await providers.put(providerNode(green, 'green'));
    await answers('blue,green');
    const metadata = { name: 'greet', namespace: 'default' };
    const subsets = [{ name: 'green', labels: { color: 'green' } }];
    await mesh.write(
      'rules.yaml',
      { ...destinationRule(host, []), metadata, spec: { host, subsets } },
      { ...virtualService(host, [{ route: to(host, { green: 100 }) }]), metadata },
    );
    await answers('green');
    await mesh.write('rules.yaml');
    await answers('blue,green');
  });

  it('goes on when ZooKeeper is killed, and sees what changed when it is back', async () => {
    await zk.kill();
    await eventually(
      async () => (await get(controlPlane.httpPort, { path: '/debug/adapterz' })).body.includes('degraded'),
      { what: 'the adapter is degraded', timeoutMs: 300_000 },
    );
    expect(await colors()).toBe('blue,green');
    await zk.start();
    const other = await connectZooKeeper(zk.port, { timeoutMs: 60_000 });
    await other.remove(providerNode(blue, 'blue'));
    await answers('green');
    await other.close();
  });
});
