import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { type NacosProvider, startProvider } from '../support/nacos/client.ts';
import { type ConfigWriter, connectConfigWriter } from '../support/nacos/configs.ts';
import { type NacosMesh, startNacosMesh } from '../support/nacos/mesh.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';

/** Only ends tests that hang. */
const timeoutMs = 300_000;

for (const version of [3, 2] as const)
  describeWith([`nacos${version}`], `rules of Dubbo in a Nacos ${version}`, () => {
    let server: NacosServer;
    let writer: ConfigWriter;
    const providers: NacosProvider[] = [];
    let mesh: NacosMesh;
    beforeAll(async () => {
      server = await startNacos({ version });
      writer = await connectConfigWriter(server.port);
      for (const ip of ['10.0.0.1', '10.0.0.2']) {
        // instances of one service replace each other on one connection
        const provider = await startProvider({ port: server.port });
        providers.push(provider);
        for (const of of ['1.0.0', '2.0.0']) {
          const metadata = { protocol: 'dubbo', path: 'demo.Greet', application: 'greeter', version: of };
          await provider.register(`providers:demo.Greet:${of}:`, { ip, port: 20880, metadata });
        }
      }
    }, nacosStartMs);
    afterEach(async () => {
      await mesh?.close();
    });
    afterAll(async () => {
      for (const provider of providers) provider.close();
      writer?.close();
      await server?.close();
    });

    const has = (...want: readonly string[]) =>
      eventually(() => String(mesh.services()) === String(want), { what: `services ${want}`, timeoutMs });
    const both = 'demo 10.0.0.1 10.0.0.2';
    const begin = async () => {
      mesh = startNacosMesh({ servers: [server.address], settleSeconds: 0.5, listSeconds: 0.5 });
      await eventually(() => mesh.state() === 'synced', { what: 'the adapter is synced', timeoutMs });
    };

    test('take an instance of one version away, and give it back', async () => {
      await begin();
      await has(both, both);
      const name = 'demo.Greet:1.0.0:.configurators';
      const rule =
        'configVersion: v3.0\nscope: service\nkey: demo.Greet:1.0.0\nconfigs:\n- {side: provider, addresses: ["10.0.0.2:20880"], parameters: {weight: 0}}';
      await writer.publish('dubbo', name, rule);
      await has('demo 10.0.0.1', both);
      expect(mesh.problems()).toEqual([]);
      await writer.remove('dubbo', name);
      await has(both, both);
    });

    test('become rules of the mesh, and name what cannot be expressed', async () => {
      await writer.publish('dubbo', 'greeter.tag-router', 'tags: [{name: gray, addresses: ["10.0.0.2:20880"]}]');
      await writer.publish('dubbo', 'greeter.condition-router', 'conditions: ["host=10.0.0.9 => host=10.0.0.1"]');
      await begin();
      const origin = 'public@@dubbo@@greeter.tag-router';
      expect(mesh.objects()).toEqual([
        ...[`DestinationRule ${origin}`, `DestinationRule ${origin}`],
        ...[`VirtualService ${origin}`, `VirtualService ${origin}`],
      ]);
      expect(mesh.problems()).toEqual([expect.stringContaining('address of the caller')]);
      await writer.remove('dubbo', 'greeter.tag-router');
      await writer.remove('dubbo', 'greeter.condition-router');
      await eventually(() => mesh.objects().length + mesh.problems().length === 0, { what: 'no rules', timeoutMs });
    });
  });
