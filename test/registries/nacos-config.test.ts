import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import {
  type ConfigWriter,
  connectConfigWriter,
  type FollowedConfigs,
  followConfigs,
} from '../support/nacos/configs.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

for (const version of [3, 2] as const)
  describeWith([`nacos${version}`], `configurations of a Nacos ${version}`, () => {
    let server: NacosServer;
    let network: TcpProxy;
    let writer: ConfigWriter;
    let following: FollowedConfigs;
    beforeAll(async () => {
      server = await startNacos({ version });
      network = await startTcpProxy(server.port + 1_000);
    }, nacosStartMs);
    afterEach(async () => {
      await following?.stop();
      writer?.close();
      network.resume();
    });
    afterAll(async () => {
      await network?.stop();
      await server?.close();
    });

    async function begin(namespace: string): Promise<void> {
      writer = await connectConfigWriter(server.port, namespace);
      following = followConfigs({ targets: [`127.0.0.1:${network.port}`], namespace });
      following.add({ group: 'dubbo', dataId: 'greeter.tag-router' });
      await comparisons(1);
    }
    const comparisons = (count: number) =>
      eventually(() => following.compared >= count, { what: `${count} comparisons`, timeoutMs: 100_000 });
    const content = (want: string | undefined, dataId = 'greeter.tag-router') =>
      eventually(() => following.contents.get(`dubbo@@${dataId}`) === want, { what: `${want}`, timeoutMs: 100_000 });

    for (const namespace of ['public', 'governance'])
      test(`are told when they come, change and go in the namespace ${namespace}`, async () => {
        await begin(namespace);
        await writer.publish('dubbo', 'greeter.tag-router', 'force: true');
        await content('force: true');
        await writer.publish('dubbo', 'greeter.tag-router', 'force: false # Ä');
        await content('force: false # Ä');
        await writer.publish('dubbo', 'demo.Greet::.configurators', 'enabled: true');
        following.add({ group: 'dubbo', dataId: 'demo.Greet::.configurators' });
        await content('enabled: true', 'demo.Greet::.configurators');
        await writer.remove('dubbo', 'greeter.tag-router');
        await content(undefined);
        await writer.remove('dubbo', 'demo.Greet::.configurators');
        await content(undefined, 'demo.Greet::.configurators');
        expect(following.problems).toEqual(new Map());
      });

    test('stay while the server cannot be reached, and are compared afterwards', async () => {
      await begin('outage');
      await writer.publish('dubbo', 'greeter.tag-router', '1');
      await content('1');
      network.refuse();
      await eventually(() => following.lost.length > 0, { what: 'a lost connection' });
      expect(following.contents.get('dubbo@@greeter.tag-router')).toBe('1');
      await writer.publish('dubbo', 'greeter.tag-router', '2');
      network.resume();
      await comparisons(2);
      await content('2');
      await writer.publish('dubbo', 'greeter.tag-router', '3');
      await content('3');
      await writer.remove('dubbo', 'greeter.tag-router');
      await content(undefined);
    });
  });
