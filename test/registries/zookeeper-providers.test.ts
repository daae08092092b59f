import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { type Provider, startDubbo27, startDubbo33, startMotan } from '../support/dubbo/providers.ts';
import { freePort } from '../support/ports.ts';
import { type Followed, follow } from '../support/zookeeper/followed.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

describeWith(['zookeeper', 'dubbo33', 'dubbo27', 'motan'], 'real providers in a real ZooKeeper', () => {
  let zk: ZooKeeper;
  let followed: Followed;
  beforeAll(async () => {
    zk = await startZooKeeper();
    followed = await follow({ servers: [zk.address], lastInstanceSeconds: 0, dubbo: {}, motan: {} });
  });
  afterAll(async () => {
    await followed?.stop();
    await zk?.close();
  });

  const registry = () => `zookeeper://${zk.address}`;
  async function running(starting: Promise<Provider>): Promise<Provider> {
    const provider = await starting;
    onTestFinished(() => provider.stop());
    return provider;
  }

  test('of Dubbo 3.3 that register interfaces are endpoints with their weight', async () => {
    const port = await freePort();
    await running(startDubbo33({ registry: registry(), port, group: 'interface', weight: 30 }));
    await followed.untilAddresses('demo._greet_service.g-interface.dubbo', [`10.9.8.7:${port}`]);
    expect(followed.endpoints('demo._greet_service.g-interface.dubbo')).toMatchObject([
      { weight: 30, labels: { application: 'greeter', group: 'interface', release: '3.3.5' } },
    ]);
  });

  test('of Dubbo 3.3 that register both levels are one endpoint', async () => {
    const port = await freePort();
    const both = { level: 'all', group: 'both', version: '1.0.0', application: 'both' } as const;
    await running(startDubbo33({ registry: registry(), port, ...both }));
    await followed.untilAddresses('both.dubbo-app', [`10.9.8.7:${port}`]);
    await followed.untilAddresses('demo._greet_service.g-both.v-1.0.0.dubbo', [`10.9.8.7:${port}`]);
  });

  test('of Dubbo 3.3 that register applications with remote metadata serve what these say', async () => {
    const port = await freePort();
    const remote = { level: 'instance', metadata: 'remote', protocol: 'tri', application: 'remote' } as const;
    await running(startDubbo33({ registry: registry(), port, ...remote, group: 'remote', version: '2.0' }));
    const host = 'demo._greet_service.g-remote.v-2.0.dubbo';
    await followed.untilAddresses(host, [`10.9.8.7:${port}`]);
    expect(followed.endpoints(host)).toMatchObject([{ ports: { tri: port } }]);
    expect(followed.addresses('remote.dubbo-app')).toEqual([`10.9.8.7:${port}`]);
    expect(followed.problems()).toEqual([]);
  });

  test('of Dubbo 3.3 that register applications with local metadata serve what definitions say', async () => {
    const port = await freePort();
    const local = { level: 'instance', metadata: 'local', application: 'local' } as const;
    await running(startDubbo33({ registry: registry(), port, ...local, group: 'local' }));
    await followed.untilAddresses('demo._greet_service.g-local.dubbo', [`10.9.8.7:${port}`]);
    expect(followed.addresses('local.dubbo-app')).toEqual([`10.9.8.7:${port}`]);
  });

  test('of Dubbo 2.7 go when they are killed hard and their session expires', async () => {
    const port = await freePort();
    const provider = await running(startDubbo27({ registry: registry(), port, group: 'old', version: '1.0.0' }));
    const host = 'demo._greet_service.g-old.v-1.0.0.dubbo';
    await followed.untilAddresses(host, [`10.9.8.7:${port}`]);
    await provider.kill();
    await followed.untilAddresses(host, []);
    expect(followed.services()).toContain(host);
  });

  for (const { encoding, protocol } of [
    { encoding: 'zookeeper', protocol: 'motan' },
    { encoding: 'zk', protocol: 'motan2' },
  ] as const) {
    test(`of Motan that write with ${encoding} come with one change once they are available`, async () => {
      const port = await freePort();
      const group = `motan-${encoding}`;
      const host = `demo._greet_service.g-${group}.motan`;
      const provider = await running(startMotan({ registry: zk.address, port, encoding, protocol, group }));
      expect(followed.services()).not.toContain(host);
      provider.send('available');
      await followed.untilAddresses(host, [`10.9.8.7:${port}`]);
      const changes = followed.written.filter((change) => change.type === 'endpoints' && change.set.hostname === host);
      expect(changes).toHaveLength(1);
      expect(followed.endpoints(host)).toMatchObject([{ ports: { [protocol]: port } }]);
    });
  }
});
