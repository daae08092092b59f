import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { type NacosProvider, startProvider } from '../support/nacos/client.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';
import { connectZooKeeper, type ZooKeeperClient } from '../support/zookeeper/client.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

const folder = '/dubbo/demo.Greet/providers';
const wrongNodes = {
  'bad encoding': 'dubbo%3A%2F%2F10.0.0.2%zz',
  'a port out of range': encodeURIComponent('dubbo://10.0.0.3:70000/demo.Greet'),
  'an unknown protocol': encodeURIComponent('morse://10.0.0.4:1/demo.Greet'),
  'far too many parameters': encodeURIComponent(`dubbo://10.0.0.5:1/demo.Greet?x=${'x'.repeat(200_000)}`),
};
/** Nacos itself refuses other wrong instances: ports out of range, and metadata of more than 1,024 characters. */
const wrongInstances = ['morse', 'smoke'].map((protocol, index) => ({
  ip: `10.0.0.${index + 3}`,
  metadata: { protocol },
}));

describeWith(['zookeeper', 'nacos3'], 'wrong entries in ZooKeeper and Nacos', () => {
  let zk: ZooKeeper;
  let nacos: NacosServer;
  let nodes: ZooKeeperClient;
  const providers: NacosProvider[] = [];
  let controlPlane: ControlPlane;

  interface Entry {
    readonly hostname?: string;
    readonly leftOut?: { readonly shard: string; readonly origin: string };
  }
  const entries = async (): Promise<readonly Entry[]> =>
    JSON.parse((await get(controlPlane.httpPort, { path: '/debug/registryz' })).body);
  const leftOut = async (name: string) => (await entries()).filter(({ leftOut: one }) => one?.shard === name).length;
  const refused = (name: string) => controlPlane.metric(`binnacle_adapter_refused_entries{adapter="${name}"}`);
  const endpoints = async (host: string) => {
    const sets: readonly { readonly set: { readonly endpoints: readonly { readonly address: string }[] } }[] =
      JSON.parse((await get(controlPlane.httpPort, { path: `/debug/endpointz?host=${host}` })).body);
    return sets.flatMap(({ set }) => set.endpoints.map(({ address }) => address));
  };

  beforeAll(async () => {
    [zk, nacos] = await Promise.all([startZooKeeper(), startNacos()]);
    nodes = await connectZooKeeper(zk.port, { timeoutMs: 60_000 });
    for (const name of Object.values(wrongNodes)) await nodes.put(`${folder}/${name}`);
    await nodes.put(`${folder}/${encodeURIComponent('dubbo://10.0.0.1:20880/demo.Greet')}`);
    const instances = [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }, ...wrongInstances];
    for (const instance of instances) {
      // Instances of one connection replace each other.
      const provider = await startProvider({ port: nacos.port });
      providers.push(provider);
      await provider.register('orders', instance);
    }
    controlPlane = await startControlPlane({
      config: {
        adapters: [
          { type: 'zookeeper', servers: [zk.address], sessionTimeoutSeconds: 4, dubbo: {} },
          { type: 'nacos', servers: [nacos.address] },
        ],
      },
      readyTimeoutMs: 300_000,
    });
  }, nacosStartMs);
  afterAll(async () => {
    await controlPlane?.stop();
    for (const provider of providers) provider.close();
    await nodes?.close();
    await Promise.all([zk?.close(), nacos?.close()]);
  });

  it('are left out; the others are served', async () => {
    expect(await endpoints('demo._greet.dubbo')).toEqual(['10.0.0.1']);
    expect(await endpoints('orders.default-group.public.nacos')).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  it('are named in /debug/registryz and counted by a metric', async () => {
    expect([await leftOut('zookeeper'), await leftOut('nacos')]).toEqual([4, 2]);
    expect([await refused('zookeeper'), await refused('nacos')]).toEqual([4, 2]);
    const origins = (await entries()).flatMap(({ leftOut: one }) => one?.origin ?? []);
    expect(origins.filter((origin) => origin.startsWith(folder))).toHaveLength(4);
    expect(origins).toContain('public@@DEFAULT_GROUP@@orders');
  });

  it('are named no more once they are gone', async () => {
    for (const name of Object.values(wrongNodes)) await nodes.remove(`${folder}/${name}`);
    for (const provider of providers.slice(2)) provider.close();
    await eventually(async () => (await leftOut('zookeeper')) + (await leftOut('nacos')) === 0, {
      what: 'nothing is left out',
      timeoutMs: 300_000,
    });
    expect([await refused('zookeeper'), await refused('nacos')]).toEqual([0, 0]);
  });
});
