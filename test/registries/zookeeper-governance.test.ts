import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Provider, startDubbo33 } from '../support/dubbo/providers.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { freePort } from '../support/ports.ts';
import { connectZooKeeper, type ZooKeeperClient } from '../support/zookeeper/client.ts';
import { type Followed, follow } from '../support/zookeeper/followed.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

/** Only ends tests that hang. */
const timeoutMs = 300_000;

describeWith(['zookeeper', 'dubbo33'], 'a configurator that a real provider of Dubbo obeys too', () => {
  let zk: ZooKeeper;
  let followed: Followed;
  let provider: Provider;
  beforeAll(async () => {
    zk = await startZooKeeper();
    followed = await follow({ servers: [zk.address], dubbo: {} });
  });
  afterAll(async () => {
    await followed?.stop();
    await provider?.stop();
    await zk?.close();
  });

  test('changes its endpoint, which is never missing while the provider makes its node anew', async () => {
    const host = 'demo._greet_service.dubbo';
    const port = await freePort();
    provider = await startDubbo33({ registry: `zookeeper://${zk.address}`, port, weight: 30 });
    await followed.untilAddresses(host, [`10.9.8.7:${port}`]);
    /** Uses a client of its own each time, because a busy machine may let a session expire. */
    const withClient = async <Value>(use: (client: ZooKeeperClient) => Promise<Value>): Promise<Value> => {
      const client = await connectZooKeeper(zk.port);
      return use(client).finally(() => client.close());
    };
    const nodes = () =>
      withClient(
        (client) =>
          new Promise<readonly string[]>((resolve) => {
            client.connection.readChildren('/dubbo/demo.GreetService/providers', (answer) =>
              resolve(answer instanceof Error ? [] : answer),
            );
          }),
      );
    const weightIs = (want: number) =>
      eventually(() => followed.endpoints(host)[0]?.weight === want, { what: `weight ${want}`, timeoutMs });
    const node = '/dubbo/config/dubbo/demo.GreetService::.configurators';
    const [before] = await nodes();
    const from = followed.written.length;
    const rule =
      'configVersion: v3.0\nscope: service\nkey: demo.GreetService\nenabled: true\nconfigs:\n- {side: provider, parameters: {weight: 7, retries: 1}}';
    await withClient((client) => client.put(node, rule));
    await weightIs(7);
    await eventually(async () => (await nodes())[0]?.includes('weight%3D7'), { what: 'the node anew', timeoutMs });
    expect(before).toContain('weight%3D30');
    expect(followed.problems()).toEqual([{ origin: node, message: 'the parameter retries is not supported' }]);
    await withClient((client) => client.remove(node));
    await weightIs(30);
    const sizes = followed.written
      .slice(from)
      .flatMap((change) =>
        change.type === 'endpoints' && change.set.hostname === host ? [change.set.endpoints.length] : [],
      );
    expect(Math.min(...sizes)).toBe(1);
    expect(followed.problems()).toEqual([]);
  });
});

describeWith(['zookeeper', 'envoy'], 'rules of Dubbo for a sidecar that calls over TCP', () => {
  let zk: ZooKeeper;
  let client: ZooKeeperClient;
  let controlPlane: ControlPlane;
  const envoys: Envoy[] = [];
  let port: number;
  let blue: Backend;
  let green: Backend;

  const node = (folder: string, url: string) => `/dubbo/demo.Greet/${folder}/${encodeURIComponent(url)}`;
  const providerNode = (backend: Backend, query = '') =>
    node('providers', `dubbo://127.0.0.1:${backend.port}/demo.Greet?interface=demo.Greet&application=greeter${query}`);
  const answers = (want: string) =>
    eventually(
      async () => {
        const all = await Promise.all(
          Array.from({ length: 20 }, () =>
            get(port).then(
              ({ body }) => body,
              () => 'none',
            ),
          ),
        );
        return [...new Set(all)].sort().join() === want;
      },
      { what: `answers from ${want}`, timeoutMs },
    );
  const sidecar = async (labels: Readonly<Record<string, string>> = {}) => {
    await envoys.pop()?.stop();
    const { xdsPort } = controlPlane;
    envoys.push(await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort, protocol: 'delta', labels }) }));
  };

  beforeAll(async () => {
    [zk, blue, green, port] = await Promise.all([
      startZooKeeper(),
      startBackend('blue'),
      startBackend('green'),
      freePort(),
    ]);
    client = await connectZooKeeper(zk.port, { timeoutMs: 60_000 });
    await client.put(providerNode(blue));
    await client.put(providerNode(green));
    const adapter = { type: 'zookeeper', servers: [zk.address], dubbo: { ports: { dubbo: port } } };
    controlPlane = await startControlPlane({ config: { adapters: [adapter] }, readyTimeoutMs: timeoutMs });
    await sidecar();
  });
  afterEach(() => answers('blue,green'));
  afterAll(async () => {
    for (const envoy of envoys) await envoy.stop();
    await controlPlane?.stop();
    await client?.close();
    await Promise.all([zk?.close(), blue?.stop(), green?.stop()]);
  });

  for (const query of ['weight=0', 'disabled=true'])
    test(`take an endpoint away by ${query}, and give it back`, async () => {
      await answers('blue,green');
      const rule = node('configurators', `override://127.0.0.1:${green.port}/demo.Greet?${query}`);
      await client.put(rule);
      await answers('blue');
      await client.remove(rule);
    });

  test('leave one endpoint by a condition of the configuration centre', async () => {
    const rule = '/dubbo/config/dubbo/demo.Greet::.condition-router';
    await client.put(rule, `conditions: ['=> port=${blue.port}']`);
    await answers('blue');
    await client.put(rule, `conditions: ['=> port=${green.port}']`);
    await answers('green');
    await client.remove(rule);
  });

  test('send callers with a tag to the instances that a rule gives it', async () => {
    const rule = '/dubbo/config/dubbo/greeter.tag-router';
    await client.put(rule, `tags: [{name: gray, addresses: ['127.0.0.1:${green.port}']}]`);
    await answers('blue');
    await sidecar({ 'dubbo.tag': 'gray' });
    await answers('green');
    await client.remove(rule);
  });

  test('name what has no effect', async () => {
    const rule = '/dubbo/config/dubbo/demo.Greet::.condition-router';
    await client.put(rule, "conditions: ['method=hello => host=10.0.0.1', 'host=10.0.0.2 => host=10.0.0.1']");
    const shown = async () => (await get(controlPlane.httpPort, { path: '/debug/adapterz' })).body;
    await eventually(async () => (await shown()).includes('demo.Greet::.condition-router'), {
      what: 'a problem',
      timeoutMs,
    });
    expect(await shown()).toContain('conditions on the address of the caller');
    await client.remove(rule);
    await eventually(async () => !(await shown()).includes('demo.Greet::.condition-router'), {
      what: 'no problem',
      timeoutMs,
    });
  });
});
