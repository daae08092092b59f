import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { nacos } from '../../adapters/nacos/index.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { startProvider } from '../support/nacos/client.ts';
import { listedInstances, type NacosReader, openReader } from '../support/nacos/reader.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';
import { startRegistering } from '../support/registering.ts';

const services = '/registry/v1/namespaces/public/services';
const greet = `${services}/demo._greet_service.g-g1.v-1.0.0.dubbo/instances`;
const name = 'providers:demo.GreetService:1.0.0:g1';
const dubbo = { ports: [{ name: 'dubbo', port: 20_880, protocol: 'tcp' }], registry: 'registry' };

for (const version of [2, 3] as const) {
  describeWith([`nacos${version}`], `instances that register through us in a Nacos ${version}`, () => {
    let server: NacosServer;
    let reader: NacosReader;
    beforeAll(async () => {
      server = await startNacos({ version });
      reader = openReader(server.port);
    }, nacosStartMs);
    afterAll(async () => {
      reader?.close();
      await server?.close();
    });

    const start = (dataDir?: string) =>
      startRegistering(
        nacos,
        { servers: [server.address], settleSeconds: 5, listSeconds: 0.5 },
        dataDir === undefined ? {} : { dataDir },
      );

    const listed = (service: string, want: readonly string[]) =>
      eventually(async () => String(await listedInstances(reader, service)) === String(want), {
        what: `${service} is at ${want.join(', ') || 'nothing'}`,
        timeoutMs: 200_000,
      });

    test('have the port of the sidecar, are all there, and come back once by the adapter', async () => {
      const api = await start();
      expect(await api.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.1' })).toMatchObject({
        status: 201,
        body: { registration: { state: 'registered' } },
      });
      await api.call('PUT', `${greet}/two`, { ...dubbo, address: '10.0.0.2' });
      await listed(name, ['10.0.0.1:20882', '10.0.0.2:20882']);
      const host = 'demo._greet_service.g-g1.v-1.0.0.dubbo';
      const want = ['10.0.0.1 {"dubbo":20882}', '10.0.0.2 {"dubbo":20882}'];
      await eventually(() => String(api.endpoints(host)) === String(want), { what: 'they are read back' });
      expect(api.services()).toEqual([]);
      await api.call('DELETE', `${greet}/one`);
      await listed(name, ['10.0.0.2:20882']);
      await api.call('PUT', `${greet}/two`, { ...dubbo, address: '10.0.0.3' });
      await listed(name, ['10.0.0.3:20882']);
      await api.call('DELETE', `${greet}/two`);
      await listed(name, []);
    });

    test('are gone when their lease ends', async () => {
      const api = await start();
      const orders = `${services}/leased.default-group.public.nacos/instances`;
      const ports = [{ name: 'http', port: 8080 }];
      await api.call('PUT', `${orders}/one`, { address: '10.0.0.1', ports, registry: 'registry', ttlSeconds: 1 });
      await api.call('PUT', `${orders}/two`, { address: '10.0.0.2', ports, registry: 'registry' });
      await listed('leased', ['10.0.0.2:8080']);
    });

    test(
      'are registered again after the server was killed',
      async () => {
        const api = await start();
        const orders = `${services}/orders.default-group.public.nacos/instances`;
        const body = { ports: [{ name: 'http', port: 8080 }], registry: 'registry', ttlSeconds: 86_400 };
        await api.call('PUT', `${orders}/one`, { ...body, address: '10.0.0.1' });
        await listed('orders', ['10.0.0.1:8080']);
        await server.kill();
        await eventually(async () => (await api.call('GET', `${orders}/one`)).body.registration.state === 'pending', {
          what: 'its state is pending',
        });
        expect(await api.call('PUT', `${orders}/two`, { ...body, address: '10.0.0.2' })).toMatchObject({
          status: 202,
          body: { registration: { state: 'pending', reason: expect.stringContaining('127.0.0.1') } },
        });
        await api.call('DELETE', `${orders}/one`);
        await server.start();
        await listed('orders', ['10.0.0.2:8080']);
        expect((await api.call('GET', `${orders}/two`)).body.registration).toEqual({ state: 'registered' });
      },
      nacosStartMs,
    );

    test('are served from the first moment by the next process, though the server has removed them', async () => {
      const next = `${services}/next.default-group.public.nacos/instances`;
      const first = await start();
      const ports = [{ name: 'http', port: 8080 }];
      await first.call('PUT', `${next}/one`, { address: '10.0.0.1', ports, registry: 'registry', ttlSeconds: 86_400 });
      await listed('next', ['10.0.0.1:8080']);
      await first.stop();
      await listed('next', []);
      const second = await start(first.dataDir);
      await second.synced();
      expect(second.endpoints('next.default-group.public.nacos')).toEqual(['10.0.0.1 {"http":8080}']);
      await listed('next', ['10.0.0.1:8080']);
      await second.call('DELETE', `${next}/one`);
      await listed('next', []);
    });

    test('into a persistent service are refused clearly, and not tried again', async () => {
      const api = await start();
      const own = await startProvider({ port: server.port });
      onTestFinished(() => own.close());
      // 2.x in this package has no consensus group and answers with an error, but makes the service persistent.
      const persistent = { serviceName: 'db', ip: '10.0.0.5', port: '80', ephemeral: 'false' };
      if (version === 2) await server.http('POST', '/v1/ns/instance', persistent).catch(() => {});
      else await own.register('db', { ip: '10.0.0.5', ephemeral: false });
      const db = `${services}/db.default-group.public.nacos/instances`;
      const refused = await api.call('PUT', `${db}/one`, {
        address: '10.0.0.1',
        ports: [{ name: 'http', port: 8080 }],
        registry: 'registry',
      });
      expect(refused).toMatchObject({
        status: 409,
        body: { error: expect.stringContaining('is persistent service'), problems: [{ field: 'registry' }] },
      });
      expect((await api.call('GET', `${db}/one`)).body.registration.state).toBe('failed');
      expect(api.problems()).toMatchObject([expect.stringContaining('is persistent service')]);
    });
  });
}
