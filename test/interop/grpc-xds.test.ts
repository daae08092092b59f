import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { send, sendJson } from '../support/http.ts';
import type { PartName } from '../support/parts.ts';
import { freePorts } from '../support/ports.ts';
import { type EchoServer, startEchoServer } from './grpc-xds/echo-server.ts';
import { type GrpcKind, startProgram } from './grpc-xds/programs.ts';
import { startXdsClient, type XdsClient } from './grpc-xds/xds-client.ts';

/** Error of a grpc-go client for calls in the moment between a new route and the balancer of its clusters. */
const goRace = /^UNAVAILABLE: unknown cluster selected for RPC/;

const kinds: readonly { readonly kind: GrpcKind; readonly parts: readonly PartName[] }[] = [
  { kind: 'grpc-js', parts: [] },
  { kind: 'grpcio', parts: ['grpcio'] },
  { kind: 'grpc-go', parts: ['xdsclient'] },
];

/** Each test uses a separate service, so that tests do not depend on each other. */
for (const { kind, parts } of kinds) {
  describeWith(parts, `${kind}, resolving xds: names`, () => {
    let controlPlane: ControlPlane;
    let client: XdsClient;
    const servers: EchoServer[] = [];

    beforeAll(async () => {
      controlPlane = await startControlPlane();
      client = await startXdsClient(kind, controlPlane.xdsPort);
    });
    afterAll(async () => {
      await client?.stop();
      await controlPlane?.stop();
      for (const server of servers) server.stop();
    });

    const serve = async (service: string, version: string) => {
      const server = await startEchoServer(version);
      servers.push(server);
      await register(controlPlane, service, server);
      return server;
    };
    const apply = async (plural: string, rule: object) =>
      sendJson(controlPlane.httpPort, 'POST', `/apis/networking.istio.io/v1/namespaces/shop/${plural}`, rule);
    const answeredBy = (target: string, ...names: readonly string[]) => callsAnsweredBy(client, target, names);

    for (const target of [
      'xds:///named.shop.svc.cluster.local:8080',
      'xds:///named.shop:8080',
      'xds:///named:8080',
      'xds:///named.shop.svc.cluster.local',
    ]) {
      it(`calls ${target}`, async () => {
        await serve('named', 'v1');
        expect(await client.call(target, 3)).toEqual({ answers: { v1: 3 }, errors: [] });
      });
    }

    it('follows added and removed endpoints without a failed call', async () => {
      const target = 'xds:///moving:8080';
      const first = await serve('moving', 'v1');
      await client.begin(target);
      await answeredBy(target, 'v1');

      await serve('moving', 'v2');
      await answeredBy(target, 'v1', 'v2');

      await remove(controlPlane, 'moving', 'v1');
      await answeredBy(target, 'v2');
      first.stop();
      await answeredBy(target, 'v2');
      expect((await client.end(target)).errors).toEqual([]);
    });

    it('follows weights between subsets, and a route by header', async () => {
      const target = 'xds:///weighted.shop.svc.cluster.local:8080';
      await serve('weighted', 'v1');
      await serve('weighted', 'v2');
      await apply('destinationrules', subsets('weighted', ['v1', 'v2']));
      await apply('virtualservices', routes('weighted', [byHeader('weighted', 'v2'), weighted('weighted', 70, 30)]));
      const shareOfSecond = async () => {
        const { answers, errors } = await client.call(target, 400);
        expect(errors.filter((error) => !goRace.test(error))).toEqual([]);
        return (answers.v2 ?? 0) / 400;
      };
      await eventually(async () => (await shareOfSecond()) < 0.45, { what: 'the rule', timeoutMs: 20_000 });

      // 400 calls with p = 0.3: the standard deviation is 0.023
      const share = await shareOfSecond();
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.45);

      const byAda = await client.call(target, 20, { metadata: { 'x-user': 'ada' } });
      expect(byAda).toEqual({ answers: { v2: 20 }, errors: [] });

      await change(controlPlane, 'weighted', [byHeader('weighted', 'v1'), weighted('weighted', 10, 90)]);
      await eventually(async () => (await shareOfSecond()) > 0.75, { what: 'other weights', timeoutMs: 20_000 });
      const byAdaNow = await client.call(target, 20, { metadata: { 'x-user': 'ada' } });
      expect(byAdaNow).toEqual({ answers: { v1: 20 }, errors: [] });
    });

    it('follows weights between services', async () => {
      const target = 'xds:///front:8080';
      await serve('front', 'front');
      await serve('back', 'back');
      await client.begin(target);
      await answeredBy(target, 'front');
      const to = (host: string) => ({
        destination: { host: `${host}.shop.svc.cluster.local`, port: { number: 8080 } },
      });
      await apply('virtualservices', routes('front', [{ route: [to('front'), to('back')].map(half) }]));
      await answeredBy(target, 'back', 'front');
      await change(controlPlane, 'front', [{ route: [to('back')] }]);
      await answeredBy(target, 'back');
      expect((await client.end(target)).errors.filter((error) => !goRace.test(error))).toEqual([]);
    });

    it('has rejected nothing', async () => {
      for (const type of ['cluster', 'endpoint', 'listener', 'route']) {
        expect(await controlPlane.metric(`binnacle_nacks_total{type="${type}"}`)).toBe(0);
      }
    });
  });
}

/** Uses a separate control plane, as the test stops it. */
for (const { kind, parts } of kinds) {
  describeWith(parts, `${kind}, when the control plane is gone`, () => {
    it('continues calling while the control plane is away, and follows it afterwards', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'binnacle-grpc-xds-'));
      onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
      const [first, second] = [await startEchoServer('v1'), await startEchoServer('v2')];
      onTestFinished(() => {
        first.stop();
        second.stop();
      });
      const before = await startControlPlane({ dataDir });
      onTestFinished(() => before.stop());
      const client = await startXdsClient(kind, before.xdsPort);
      onTestFinished(() => client.stop());
      const target = 'xds:///lasting:8080';
      await register(before, 'lasting', first);
      await client.begin(target);
      await callsAnsweredBy(client, target, ['v1']);

      await before.kill();
      await client.collect(target);
      const many = async () => ((await client.collect(target)).answers.v1 ?? 0) > 10;
      await eventually(many, { what: 'calls without it', everyMs: 200 });

      const { httpPort, xdsPort } = before;
      const after = await startControlPlane({ dataDir, httpPort, xdsPort });
      onTestFinished(() => after.stop());
      await register(after, 'lasting', second);
      await remove(after, 'lasting', 'v1');
      await callsAnsweredBy(client, target, ['v2']);
      expect((await client.end(target)).errors).toEqual([]);
    }, 60_000);
  });
}

for (const { kind, parts } of kinds) {
  describeWith(parts, `a server of ${kind}`, () => {
    it('serves where it is registered, and receives calls', async () => {
      const controlPlane = await startControlPlane();
      onTestFinished(() => controlPlane.stop());
      const [port = 0] = await freePorts(1);
      await register(controlPlane, 'served', { name: 'v1', port });
      const args = [String(port), 'served'];
      const server = await startProgram(kind, { role: 'server', xdsPort: controlPlane.xdsPort, args });
      onTestFinished(() => server.stop());
      const client = await startXdsClient(kind, controlPlane.xdsPort);
      onTestFinished(() => client.stop());
      const answered = async () => (await client.call('xds:///served:8080', 1)).answers.served;
      await eventually(answered, { what: 'an answer', timeoutMs: 20_000 });
    }, 40_000);
  });
}

/** Runs all clients at once, as each waits 15 seconds for a resource that does not exist. */
describeWith(['grpcio', 'xdsclient'], 'a call of an unknown target', () => {
  it('fails within 20 seconds, and the error explains it', async () => {
    const controlPlane = await startControlPlane();
    onTestFinished(() => controlPlane.stop());
    const target = 'xds:///nobody.shop.svc.cluster.local:8080';
    const errorOf = async (kind: GrpcKind) => {
      const client = await startXdsClient(kind, controlPlane.xdsPort);
      onTestFinished(() => client.stop());
      return (await client.call(target, 1, { timeoutMs: 20_000 })).errors.join();
    };
    const [js, python, go] = await Promise.all([errorOf('grpc-js'), errorOf('grpcio'), errorOf('grpc-go')]);

    // It finds out as the others do, but calls that waited meanwhile wait for their deadline.
    expect(js).toMatch(/^DEADLINE_EXCEEDED: .*waiting for name resolution/);
    expect(python).toMatch(/^UNAVAILABLE: .*nobody\.shop\.svc\.cluster\.local:8080/s);
    expect(go).toMatch(/^UNAVAILABLE: .*nobody\.shop\.svc\.cluster\.local:8080/s);
  }, 40_000);
});

const register = ({ httpPort }: ControlPlane, service: string, { name, port }: Pick<EchoServer, 'name' | 'port'>) =>
  sendJson(httpPort, 'PUT', instance(service, name), {
    address: '127.0.0.1',
    ports: [{ name: 'grpc', port, protocol: 'grpc', servicePort: 8080 }],
    labels: { version: name },
    ttlSeconds: 600,
  });

const remove = ({ httpPort }: ControlPlane, service: string, name: string) =>
  sendJson(httpPort, 'DELETE', instance(service, name));

const instance = (service: string, name: string) =>
  `/registry/v1/namespaces/shop/services/${service}.shop.svc.cluster.local/instances/${name}`;

/** Waits until ten or more calls of a running target are answered by exactly these names. No call may have failed. */
async function callsAnsweredBy(client: XdsClient, target: string, names: readonly string[]): Promise<void> {
  const failed: string[] = [];
  await eventually(
    async () => {
      const { answers, errors } = await client.collect(target);
      failed.push(...errors.filter((error) => !goRace.test(error)));
      const calls = Object.values(answers).reduce((sum, count) => sum + count, 0);
      return failed.length > 0 || (calls >= 10 && Object.keys(answers).sort().join() === names.join());
    },
    { what: `answers of ${names.join(' and ')}`, everyMs: 100, timeoutMs: 30_000 },
  );
  expect(failed).toEqual([]);
}

const subsets = (name: string, versions: readonly string[]) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name, namespace: 'shop' },
  spec: { host: name, subsets: versions.map((version) => ({ name: version, labels: { version } })) },
});

const routes = (name: string, http: readonly object[]) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'shop' },
  spec: { hosts: [name], http },
});

const byHeader = (host: string, subset: string) => ({
  match: [{ headers: { 'x-user': { exact: 'ada' } } }],
  route: [{ destination: { host, subset } }],
});

const weighted = (host: string, first: number, second: number) => ({
  route: [
    { destination: { host, subset: 'v1' }, weight: first },
    { destination: { host, subset: 'v2' }, weight: second },
  ],
});

const half = (route: object) => ({ ...route, weight: 50 });

async function change({ httpPort }: ControlPlane, name: string, http: readonly object[]): Promise<void> {
  const response = await send(httpPort, {
    method: 'PATCH',
    path: `/apis/networking.istio.io/v1/namespaces/shop/virtualservices/${name}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ spec: { http } }),
  });
  expect(response.status, response.body).toBe(200);
}
