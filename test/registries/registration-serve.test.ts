import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { startConsumer } from '../support/dubbo/consumer.ts';
import { startDubbo33 } from '../support/dubbo/providers.ts';
import { eventually } from '../support/eventually.ts';
import { send } from '../support/http.ts';
import { jsonRequest } from '../support/json-request.ts';
import { freePort } from '../support/ports.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { childrenOf } from '../support/zookeeper/children.ts';
import { connectZooKeeper } from '../support/zookeeper/client.ts';
import { fourLetterWord, startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

const instance = '/registry/v1/namespaces/default/services/demo._greet_service.g-us.v-1.0.0.dubbo/instances/one';
const providers = '/dubbo/demo.GreetService/providers';

/** Only ends tests that hang. */
const readyTimeoutMs = 300_000;

/** Address of this machine. Consumers of Dubbo call it in place of 127.0.0.1; it is not left on the way. */
const ownAddress =
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';

describeWith(['zookeeper', 'dubbo33'], 'the real program registers instances in ZooKeeper', () => {
  let zk: ZooKeeper;
  let plane: ControlPlane;
  const config = () => ({
    adapters: [
      { type: 'zookeeper', servers: [zk.address], sessionTimeoutSeconds: 30, acceptsRegistrations: true, dubbo: {} },
      { type: 'registration' },
    ],
  });
  beforeAll(async () => {
    zk = await startZooKeeper({ tickMs: 2_000 });
    plane = await startControlPlane({ config: config(), readyTimeoutMs });
  });
  afterAll(async () => {
    await plane?.stop();
    await zk?.close();
  });

  const put = (ports: object) =>
    jsonRequest(plane.httpPort, instance, {
      method: 'PUT',
      body: { address: ownAddress, registry: 'zookeeper', ttlSeconds: 86_400, ports: [ports] },
    });

  test('so that a consumer of Dubbo calls the application through its sidecar', async () => {
    const port = await freePort();
    const identity = { group: 'us', version: '1.0.0' };
    const provider = await startDubbo33({ registry: 'N/A', port, ...identity });
    onTestFinished(() => provider.stop());
    const sidecar = await startTcpProxy(port, ownAddress);
    onTestFinished(() => sidecar.stop());
    const consumer = await startConsumer({ registry: `zookeeper://${zk.address}`, ...identity });
    onTestFinished(() => consumer.stop());
    expect(await consumer.hello('nobody')).toMatch(/^error .*No provider available/);
    const registered = await put({ name: 'dubbo', port, protocol: 'tcp', sidecarPort: sidecar.port });
    expect(registered.body).toMatchObject({ registration: { state: 'registered' } });
    await eventually(async () => (await consumer.hello('world')) === 'answer hello world', {
      what: 'the consumer is answered',
      timeoutMs: 100_000,
    });
    expect(sidecar.connections).toBeGreaterThan(0);
    await send(plane.httpPort, { method: 'DELETE', path: instance });
    await eventually(async () => (await consumer.hello('again')).startsWith('error'), {
      what: 'the consumer finds no provider',
      timeoutMs: 100_000,
    });
  });

  test('and owns their nodes anew after it was killed, without a moment between', async () => {
    await put({ name: 'dubbo', port: 20_880, protocol: 'tcp' });
    const reader = await connectZooKeeper(zk.port, { timeoutMs: 60_000 });
    onTestFinished(() => reader.close());
    const [name = ''] = await childrenOf(reader, providers);
    const node = `${providers}/${name}`;
    const former = await reader.connection.readNode(node);
    const events: string[] = [];
    reader.connection.onEvent = ({ type, path }) => {
      if (path === node) events.push(type);
    };
    await reader.connection.watchTree(providers);
    await plane.kill();
    plane = await startControlPlane({
      ...{ config: config(), dataDir: plane.dataDir, httpPort: plane.httpPort, xdsPort: plane.xdsPort, readyTimeoutMs },
    });
    const owner = await eventually(
      async () => {
        const found = await reader.connection.readNode(node);
        return found === null || found.owner === former?.owner ? null : found.owner;
      },
      { what: 'the node has another owner' },
    );
    expect(events).toEqual(['deleted', 'created']); // of one transaction
    const session = `0x${BigInt.asUintN(64, former?.owner ?? 0n).toString(16)}`;
    await eventually(async () => !(await fourLetterWord(zk.port, 'dump')).includes(session), {
      what: 'the former session has ended',
      timeoutMs: 100_000,
    });
    expect((await reader.connection.readNode(node))?.owner).toBe(owner);
    expect((await jsonRequest(plane.httpPort, instance)).body).toMatchObject({
      registration: { state: 'registered' },
    });
  });
});
