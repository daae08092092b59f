import { expect, onTestFinished, test } from 'vitest';
import { zookeeper } from '../../adapters/zookeeper/index.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { startRegistering } from '../support/registering.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { childrenOf, untilChildren } from '../support/zookeeper/children.ts';
import { connectZooKeeper, type ZooKeeperClient } from '../support/zookeeper/client.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

const services = '/registry/v1/namespaces/default/services';
const host = 'demo._greet_service.dubbo';
const greet = `${services}/${host}/instances`;
const providers = '/dubbo/demo.GreetService/providers';
const dubbo = { ports: [{ name: 'dubbo', port: 20_880, protocol: 'tcp' }], registry: 'registry', ttlSeconds: 86_400 };

async function server(): Promise<ZooKeeper> {
  const started = await startZooKeeper();
  onTestFinished(() => started.close());
  return started;
}

async function client(port: number, options?: Parameters<typeof connectZooKeeper>[1]): Promise<ZooKeeperClient> {
  const connected = await connectZooKeeper(port, options);
  onTestFinished(() => connected.close());
  return connected;
}

const start = (settings: object) =>
  startRegistering(zookeeper, {
    ...{ sessionTimeoutSeconds: 2, lastInstanceSeconds: 0, dubbo: {}, motan: {} },
    ...settings,
  });

describeWith(['zookeeper'], 'instances that register through us in a real ZooKeeper', () => {
  test('have the port of the sidecar, are all there, and come back once by the adapter', async () => {
    const zk = await server();
    const api = await start({ servers: [zk.address] });
    expect(await api.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.1' })).toMatchObject({
      status: 201,
      body: { registration: { state: 'registered' } },
    });
    await api.call('PUT', `${greet}/two`, { ...dubbo, address: '10.0.0.2' });
    const reader = await client(zk.port);
    await untilChildren(reader, providers, ['dubbo://10.0.0.1:20882', 'dubbo://10.0.0.2:20882']);
    const want = ['10.0.0.1 {"dubbo":20882}', '10.0.0.2 {"dubbo":20882}'];
    await eventually(() => String(api.endpoints(host)) === String(want), { what: 'they are read back' });
    expect(api.services()).toEqual([]);
    await api.call('PUT', `${greet}/two`, { ...dubbo, address: '10.0.0.3' });
    await untilChildren(reader, providers, ['dubbo://10.0.0.1:20882', 'dubbo://10.0.0.3:20882']);
    await api.call('DELETE', `${greet}/one`);
    await untilChildren(reader, providers, ['dubbo://10.0.0.3:20882']);
    await api.call('PUT', `${greet}/two`, { ...dubbo, address: '10.0.0.3', ttlSeconds: 1 });
    await untilChildren(reader, providers, []);
  });

  for (const { name, to, port, path } of [
    { name: 'an application', to: 'shop.dubbo-app', port: 'tri', path: '/services/shop/10.0.0.1:50000' },
    {
      name: 'Motan',
      to: 'demo._greet_service.g-rpc.motan',
      port: 'motan',
      path: '/motan/rpc/demo.GreetService/server/10.0.0.1:50000',
    },
  ]) {
    test(`of ${name} are ephemeral nodes, and are read back`, async () => {
      const zk = await server();
      const api = await start({ servers: [zk.address] });
      const ports = [{ name: port, port: 50_000, protocol: 'tcp' }];
      await api.call('PUT', `${services}/${to}/instances/one`, { ...dubbo, address: '10.0.0.1', ports });
      const reader = await client(zk.port);
      const node = await reader.connection.readNode(path);
      expect(node?.owner).not.toBe(0n);
      await eventually(() => api.endpoints(to).length === 1, { what: 'it is read back' });
    });
  }

  test('are registered again when the server was killed, and when it lost its data', async () => {
    const zk = await server();
    const api = await start({ servers: [zk.address] });
    await api.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.1' });
    await zk.kill();
    await eventually(async () => (await api.call('GET', `${greet}/one`)).body.registration.state === 'pending', {
      what: 'its state is pending',
    });
    expect(await api.call('PUT', `${greet}/two`, { ...dubbo, address: '10.0.0.2' })).toMatchObject({ status: 202 });
    await zk.start();
    const reader = await client(zk.port, { timeoutMs: 60_000 });
    await untilChildren(reader, providers, ['dubbo://10.0.0.1:20882', 'dubbo://10.0.0.2:20882']);
    await api.call('DELETE', `${greet}/one`);
    await zk.kill();
    await zk.startEmpty();
    await untilChildren(await client(zk.port), providers, ['dubbo://10.0.0.2:20882']);
    await eventually(async () => (await api.call('GET', `${greet}/two`)).body.registration.state === 'registered', {
      what: 'its state is registered',
    });
  });

  test('are registered again when the session expires behind a cut network', async () => {
    const zk = await server();
    const proxy = await startTcpProxy(zk.port);
    onTestFinished(() => proxy.stop());
    const api = await start({ servers: [`127.0.0.1:${proxy.port}`] });
    await api.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.1' });
    const reader = await client(zk.port, { timeoutMs: 60_000 });
    await untilChildren(reader, providers, ['dubbo://10.0.0.1:20882']);
    proxy.hang();
    await untilChildren(reader, providers, []);
    proxy.resume();
    await untilChildren(reader, providers, ['dubbo://10.0.0.1:20882']);
  });

  test('come back when somebody removes their node', async () => {
    const zk = await server();
    const api = await start({ servers: [zk.address] });
    await api.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.1' });
    const other = await client(zk.port);
    const [name = ''] = await childrenOf(other, providers);
    const before = await other.connection.readNode(`${providers}/${name}`);
    await other.remove(`${providers}/${name}`);
    await untilChildren(other, providers, ['dubbo://10.0.0.1:20882']);
    expect((await other.connection.readNode(`${providers}/${name}`))?.owner).toBe(before?.owner);
  });

  test('own the node that an older session has left, without a moment between', async () => {
    const zk = await server();
    const older = await client(zk.port, { timeoutMs: 60_000 });
    const node = '/motan/rpc/demo.GreetService/server/10.0.0.1:8002';
    await older.putEphemeral(node, 'of an older session');
    const reader = await client(zk.port);
    const seen: string[] = [];
    reader.connection.onEvent = ({ type, path }) => {
      if (path === node) seen.push(type);
    };
    await reader.connection.watchTree('/motan');
    const api = await start({ servers: [zk.address] });
    const ports = [{ name: 'motan', port: 8_002, protocol: 'tcp' }];
    const put = await api.call('PUT', `${services}/demo._greet_service.g-rpc.motan/instances/one`, {
      ...{ ...dubbo, address: '10.0.0.1', ports },
    });
    expect(put).toMatchObject({ status: 201, body: { registration: { state: 'registered' } } });
    await older.close();
    const owned = await reader.connection.readNode(node);
    expect(owned?.data.toString()).toContain('motan://10.0.0.1:8002');
    expect(seen).toEqual(['deleted', 'created']); // of one transaction: no read finds it missing between them
  });

  test('stay for the timeout of the session when the process ends, for the next one to take over', async () => {
    const zk = await server();
    const reader = await client(zk.port, { timeoutMs: 60_000 });
    const first = await start({ servers: [zk.address], sessionTimeoutSeconds: 10 });
    await first.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.1' });
    const [name = ''] = await childrenOf(reader, providers);
    const former = await reader.connection.readNode(`${providers}/${name}`);
    await first.stop();
    expect(await childrenOf(reader, providers)).toEqual([name]);
    const second = await start({ servers: [zk.address] });
    const labels = { timestamp: 'any' };
    await second.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.2', labels });
    await untilChildren(reader, providers, ['dubbo://10.0.0.2:20882']); // the first one's session has ended
    expect(former).not.toBeNull();
  });

  test('do not fight over a node with another control plane', async () => {
    const zk = await server();
    const motan = `${services}/demo._greet_service.g-rpc.motan/instances/one`;
    const ports = [{ name: 'motan', port: 8_002, protocol: 'tcp' }];
    const reader = await client(zk.port);
    let creations = 0;
    reader.connection.onEvent = ({ type }) => {
      if (type === 'created') creations += 1;
    };
    const settings = { servers: [zk.address], sessionTimeoutSeconds: 10 };
    const [first, second] = [await start(settings), await start(settings)];
    await first.call('PUT', motan, { ...dubbo, address: '10.0.0.1', ports });
    await reader.connection.watchTree('/motan/rpc/demo.GreetService/server');
    await second.call('PUT', motan, { ...dubbo, address: '10.0.0.1', ports });
    for (let round = 0; round < 100; round += 1) await reader.put('/other', String(round)); // a fight would do as many
    expect(creations).toBeLessThanOrEqual(2); // the second one takes it, and the first one takes it back
    await second.stop();
    await untilChildren(reader, '/motan/rpc/demo.GreetService/server', ['10.0.0.1:8002']);
    expect((await first.call('GET', motan)).body.registration).toEqual({ state: 'registered' });
  });

  test('are refused clearly where a persistent node is in their place, or writing is not permitted', async () => {
    const zk = await server();
    const other = await client(zk.port, { digest: 'admin:secret' });
    await other.put('/motan/rpc/demo.GreetService/server/10.0.0.1:8002', 'persistent');
    await other.connection.create('/dubbo', '', { isPrivate: true });
    const api = await start({ servers: [zk.address] });
    const ports = [{ name: 'motan', port: 8_002, protocol: 'tcp' }];
    const motan = `${services}/demo._greet_service.g-rpc.motan/instances/one`;
    expect(await api.call('PUT', motan, { ...dubbo, address: '10.0.0.1', ports })).toMatchObject({
      status: 409,
      body: {
        error: expect.stringContaining(
          'there is a persistent node at /motan/rpc/demo.GreetService/server/10.0.0.1:8002',
        ),
      },
    });
    expect(await api.call('PUT', `${greet}/one`, { ...dubbo, address: '10.0.0.1' })).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('not permitted') },
    });
  });
});
