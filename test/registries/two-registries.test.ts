import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { type NacosProvider, startProvider } from '../support/nacos/client.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';
import { freePort } from '../support/ports.ts';
import { connectZooKeeper, type ZooKeeperClient } from '../support/zookeeper/client.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

const host = 'demo._greet.v-1.0.dubbo';
const nacosName = 'providers:demo.Greet:1.0:';

/** Port at which the instance beside a sidecar would be called without it. Nothing listens there. */
const ownPort = 9;

describeWith(['zookeeper', 'nacos3', 'envoy'], 'a service of Dubbo that ZooKeeper and Nacos know', () => {
  let zk: ZooKeeper;
  let nacos: NacosServer;
  let nodes: ZooKeeperClient;
  let provider: NacosProvider;
  let shared: NacosProvider;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let port: number;
  let inZooKeeper: Backend;
  let inNacos: Backend;
  let inBoth: Backend;

  const called = async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => get(port, { host })));
    return [...new Set(answers.map(({ status, body }) => (status === 200 ? body : String(status))))].sort().join();
  };
  const calls = (want: string) =>
    eventually(async () => (await called()) === want, { what: `calls reach ${want}`, timeoutMs: 300_000 });
  const node = ({ address, port: number }: Backend) =>
    `/dubbo/demo.Greet/providers/${encodeURIComponent(
      `rest://${address}:${number}/demo.Greet?interface=demo.Greet&version=1.0`,
    )}`;
  const metadata = { protocol: 'rest', interface: 'demo.Greet', version: '1.0', path: 'demo.Greet' };
  const debug = async (path: string) => JSON.parse((await get(controlPlane.httpPort, { path })).body);
  const stateOf = async (name: string) => {
    const { shards } = await debug('/debug/adapterz');
    return shards.find((shard: { name: string }) => shard.name === name).state;
  };

  beforeAll(async () => {
    [zk, nacos, port, inZooKeeper, inNacos, inBoth] = await Promise.all([
      startZooKeeper(),
      startNacos(),
      freePort(),
      startBackend('zookeeper', { address: '127.0.0.2' }),
      startBackend('nacos', { address: '127.0.0.3' }),
      startBackend('both', { address: '127.0.0.4' }),
    ]);
    nodes = await connectZooKeeper(zk.port, { timeoutMs: 60_000 });
    await nodes.put(node(inZooKeeper));
    await nodes.put(node(inBoth));
    provider = await startProvider({ port: nacos.port });
    const sidecar = { ...metadata, 'mesh.binnacle.dev/sidecar-port': String(inNacos.port) };
    await provider.register(nacosName, { ip: inNacos.address, port: ownPort, metadata: sidecar });
    shared = await startProvider({ port: nacos.port });
    await shared.register(nacosName, { ip: inBoth.address, port: inBoth.port, metadata });
    controlPlane = await startControlPlane({
      config: {
        adapters: [
          { type: 'zookeeper', servers: [zk.address], sessionTimeoutSeconds: 4, dubbo: { ports: { rest: port } } },
          { type: 'nacos', servers: [nacos.address], meshNamespaces: { public: 'default' }, ports: { rest: port } },
        ],
      },
      readyTimeoutMs: 300_000,
    });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
  }, nacosStartMs);
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    provider?.close();
    shared?.close();
    await nodes?.close();
    await Promise.all([zk?.close(), nacos?.close(), inZooKeeper?.stop(), inNacos?.stop(), inBoth?.stop()]);
  });

  it('is one service: instances of either are called, one that has a sidecar at its sidecar', async () => {
    await calls('both,nacos,zookeeper');
    const services = (await debug('/debug/registryz')).filter((one: { hostname: string }) => one.hostname === host);
    expect(services).toMatchObject([{ namespace: 'default', registry: 'zookeeper' }]);
  });

  it('has one endpoint for an instance that both know', async () => {
    const status: {
      readonly cluster_statuses: readonly { readonly name: string; readonly host_statuses?: readonly object[] }[];
    } = JSON.parse(await envoy.admin('/clusters?format=json'));
    const own = status.cluster_statuses.find(({ name }) => name === `outbound|${port}||${host}`);
    expect(own?.host_statuses).toHaveLength(3);
  });

  it('tells where each endpoint comes from', async () => {
    const sets: readonly { shard: string; isUsed: boolean; set: { endpoints: { origin: object }[] } }[] = await debug(
      `/debug/endpointz?host=${host}`,
    );
    const origins = sets.map(({ shard, isUsed, set }) => ({
      shard,
      isUsed,
      origins: set.endpoints.map(({ origin }) => origin),
    }));
    const [place, folder] = ['/dubbo/demo.Greet/providers', `public/DEFAULT_GROUP/${nacosName}`];
    expect(origins).toEqual([
      {
        shard: 'zookeeper',
        isUsed: true,
        origins: [
          { place, instance: `127.0.0.2:${inZooKeeper.port}` },
          { place, instance: `127.0.0.4:${inBoth.port}` },
        ],
      },
      {
        shard: 'nacos',
        isUsed: true,
        origins: [
          { place: folder, instance: `127.0.0.3#${ownPort}#DEFAULT`, ownPort },
          { place: folder, instance: `127.0.0.4#${inBoth.port}#DEFAULT` },
        ],
      },
    ]);
  });

  it('keeps the instances of a registry that is killed, and follows the other one', async () => {
    await zk.kill();
    await eventually(async () => (await stateOf('zookeeper')) === 'degraded', {
      what: 'the adapter of ZooKeeper is degraded',
      timeoutMs: 300_000,
    });
    expect(await stateOf('nacos')).toBe('synced');
    expect(await called()).toBe('both,nacos,zookeeper');
    provider.close();
    await calls('both,zookeeper');
  });
});
