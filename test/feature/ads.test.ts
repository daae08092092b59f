import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Mode } from '../../src/xds/wire/response.ts';
import { type AdsStream, openAds, sidecarId } from '../support/ads-client.ts';
import { endpointAddresses } from '../support/ads-resources.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { get, send, sendJson } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry, virtualService } from '../support/mesh-dir.ts';

const host = 'shop.test';
const cluster = `outbound|8000||${host}`;
const rules = '/apis/networking.istio.io/v1/namespaces/default';

describe('streams before the first sync', () => {
  it('are rejected with the name of the pending adapter, and served once it has synced', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'binnacle-ads-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const adapters = [
      { type: 'file', name: 'late', path: join(folder, 'mesh'), required: true },
      { type: 'file', name: 'optional', path: join(folder, 'none'), required: false },
    ];
    await writeFile(join(folder, 'binnacle.yaml'), JSON.stringify({ adapters }));
    const controlPlane = await startControlPlane({
      args: ['--config', join(folder, 'binnacle.yaml')],
      waitReady: false,
    });
    onTestFinished(() => controlPlane.stop());
    const readiness = () => get(controlPlane.httpPort, { path: '/readyz' });
    await eventually(async () => (await readiness()).status === 503, { what: 'an answer' });
    const trouble = (name: string, folder: string) => ({
      name,
      state: 'degraded',
      reason: expect.stringContaining(`${folder} cannot be read`),
    });
    await eventually(async () => JSON.parse((await readiness()).body).troubles[1]?.state === 'degraded', {
      what: 'both',
    });
    expect(JSON.parse((await readiness()).body)).toEqual({
      ready: false,
      waitingFor: ['late'],
      troubles: [trouble('late', join(folder, 'mesh')), trouble('optional', join(folder, 'none'))],
    });
    expect(await controlPlane.metric('binnacle_adapter_state{adapter="late",state="degraded"}')).toBe(1);
    const said = () =>
      controlPlane.child
        .stderr()
        .split('\n')
        .filter((line) => line.includes('shard state changed'));
    expect(said().some((line) => line.includes('"shard":"late"') && line.includes('create it'))).toBe(true);

    const refused = openAds(controlPlane.xdsPort);
    expect(await refused.ended).toMatchObject({
      code: status.UNAVAILABLE,
      details: 'not ready: waiting for the first sync of late',
    });

    await mkdir(join(folder, 'mesh'));
    await writeFile(join(folder, 'mesh/shop.yaml'), JSON.stringify(serviceEntry(host, 8000, [{ port: 1 }])));
    await controlPlane.ready();
    const accepted = openAds(controlPlane.xdsPort);
    expect((await accepted.subscribe('cluster')).resources.keys()).toContain(cluster);
  });
});

for (const mode of ['sotw', 'delta'] satisfies Mode[]) {
  describe(`the ${mode} streams of a running control plane`, () => {
    let mesh: MeshDir;
    let controlPlane: ControlPlane;
    const open = (options: Parameters<typeof openAds>[1] = {}) => openAds(controlPlane.xdsPort, { mode, ...options });
    const write = (...ports: number[]) =>
      mesh.write(
        'shop.yaml',
        serviceEntry(
          host,
          8000,
          ports.map((port) => ({ port })),
        ),
      );
    const debug = async (view: string) =>
      JSON.parse((await get(controlPlane.httpPort, { path: `/debug/${view}` })).body);
    const seen = (stream: AdsStream, ports: readonly number[]) =>
      eventually(
        () =>
          endpointAddresses(stream.has.endpoint.get(cluster)).join() ===
          ports.map((port) => `127.0.0.1:${port}`).join(),
        { what: `the endpoints ${ports}` },
      );

    beforeAll(async () => {
      mesh = await createMeshDir();
      await write(1);
      controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    });
    afterAll(async () => {
      await controlPlane?.stop();
      await mesh?.delete();
    });

    it('a first request without node.id is rejected', async () => {
      for (const nodeId of [null, '']) {
        const stream = open({ nodeId });
        await expect(stream.subscribe('cluster')).rejects.toThrow(
          `ended with ${status.INVALID_ARGUMENT}: the first request must carry node.id`,
        );
      }
    });

    for (const { name, bytes } of [
      { name: 'a field that is longer than its message', bytes: [0x0a, 0x7f, 0x01] },
      { name: 'a number that is cut short', bytes: [0x80] },
      { name: 'a wire type that does not exist', bytes: [0x0f] },
      {
        name: 'a node that is no message',
        bytes: mode === 'sotw' ? [0x12, 0x02, 0x0a, 0x7f] : [0x0a, 0x02, 0x0a, 0x7f],
      },
      {
        name: 'a node with a field of the wrong kind',
        bytes: mode === 'sotw' ? [0x12, 0x03, 0x1a, 0x01, 0xff] : [0x0a, 0x03, 0x1a, 0x01, 0xff],
      },
    ]) {
      it(`${name} ends only its own stream`, async () => {
        const other = open();
        await other.subscribe('cluster');
        const stream = open();
        stream.send(Uint8Array.from(bytes));
        expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
        expect((await other.subscribe('endpoint', [cluster])).resources.keys()).toContain(cluster);
      });
    }

    it('a malformed request in the middle of a stream also ends only that stream', async () => {
      const stream = open();
      await stream.subscribe('cluster');
      stream.send(Uint8Array.from([0x0a, 0x7f]));
      expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
      await eventually(async () => (await debug('adsz')).length === 0, { what: 'nobody connected' });
    });

    it('an unsupported type URL has no effect on other types', async () => {
      const stream = open();
      stream.ask('type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration');
      stream.ask('no type at all');
      stream.ask('');
      expect((await stream.subscribe('cluster')).resources.keys()).toContain(cluster);
    });

    it('changes by file, by the rules API and by the registration API arrive', async () => {
      const stream = open({ follow: true });
      await stream.subscribe('cluster');
      await stream.subscribe('listener');
      await seen(stream, [1]);

      await write(1, 2);
      await seen(stream, [1, 2]);

      const before = stream.has.route.get('8000');
      const rule = virtualService(host, [{ directResponse: { status: 418 } }]);
      await sendJson(controlPlane.httpPort, 'POST', `${rules}/virtualservices`, rule);
      await eventually(() => !Buffer.from(stream.has.route.get('8000') ?? []).equals(before ?? Buffer.of()), {
        what: 'the route',
      });
      await sendJson(controlPlane.httpPort, 'DELETE', `${rules}/virtualservices/shop-test`);
      await eventually(() => Buffer.from(stream.has.route.get('8000') ?? []).equals(before ?? Buffer.of()), {
        what: 'the route as it was',
      });

      const path = '/registry/v1/namespaces/default/services/vm.test/instances/one';
      const port = { name: 'http', port: 7, protocol: 'http', servicePort: 8000 };
      await sendJson(controlPlane.httpPort, 'PUT', path, { address: '10.0.0.7', ports: [port] });
      await eventually(
        () => endpointAddresses(stream.has.endpoint.get('outbound|8000||vm.test')).join() === '10.0.0.7:7',
        {
          what: 'the registered instance',
        },
      );
      const changed = { address: '10.0.0.7', ports: [{ ...port, port: 8 }], labels: { v: '2' } };
      await sendJson(controlPlane.httpPort, 'PUT', path, changed);
      await eventually(
        () => endpointAddresses(stream.has.endpoint.get('outbound|8000||vm.test')).join() === '10.0.0.7:8',
        {
          what: 'the changed instance',
        },
      );
      const sets = await debug('endpointz?host=vm.test');
      expect(sets).toMatchObject([{ set: { endpoints: [{ ports: { http: 8 }, labels: { v: '2' } }] } }]);
      const services: { hostname: string }[] = await debug('registryz');
      expect(services.filter(({ hostname }) => hostname === 'vm.test')).toMatchObject([{ ports: [{ number: 8000 }] }]);
      await sendJson(controlPlane.httpPort, 'DELETE', path);
      await eventually(() => endpointAddresses(stream.has.endpoint.get('outbound|8000||vm.test')).length === 0, {
        what: 'the instance gone',
      });
      await send(controlPlane.httpPort, {
        method: 'DELETE',
        path: '/registry/v1/namespaces/default/services/vm.test',
      });
      await eventually(() => !stream.has.cluster.has('outbound|8000||vm.test'), { what: 'the service gone' });
      await write(1);
      await seen(stream, [1]);
    });

    it('a rejected resource appears in /debug/syncz, in the metrics, and in the log with its rules', async () => {
      const nackedBefore = (await controlPlane.metric('binnacle_nacks_total{type="route"}')) ?? 0;
      const rule = virtualService(host, [{ timeout: '7s', route: [{ destination: { host } }] }]);
      await sendJson(controlPlane.httpPort, 'POST', `${rules}/virtualservices`, rule);
      onTestFinished(async () => {
        await sendJson(controlPlane.httpPort, 'DELETE', `${rules}/virtualservices/shop-test`);
      });
      const stream = open({
        nodeId: sidecarId('default', 'critic'),
        follow: true,
        answer: ({ type }) => (type === 'route' ? 'route "8000": I do not like sevens' : null),
      });
      await stream.subscribe('cluster');
      await stream.subscribe('listener');
      const [synced] = await eventually(
        async () => {
          const clients: { proxy: string; types: { route?: { state: string; rejected: unknown[] } } }[] =
            await debug('syncz');
          const critics = clients.filter(({ proxy }) => proxy === sidecarId('default', 'critic'));
          const route = critics[0]?.types.route;
          return route?.state === 'NACK' && JSON.stringify(route.rejected).includes('shop.test') && critics;
        },
        { what: 'the rejection in /debug/syncz' },
      );
      expect(synced).toMatchObject({
        isSynced: false,
        types: {
          cluster: { state: 'SYNCED' },
          route: {
            state: 'NACK',
            rejected: expect.arrayContaining([{ resource: '8000', virtualHost: 'shop.test:8000' }]),
            lastNack: { at: expect.any(String), reason: 'route "8000": I do not like sevens' },
          },
        },
      });
      expect(await controlPlane.metric('binnacle_nacks_total{type="route"}')).toBeGreaterThan(nackedBefore);
      const line = await eventually(
        () =>
          controlPlane.child
            .stderr()
            .split('\n')
            .find((text) => text.includes('resource rejected by proxy') && text.includes('VirtualService')),
        { what: 'the log' },
      );
      expect(JSON.parse(line)).toMatchObject({
        level: 'warn',
        proxy: sidecarId('default', 'critic'),
        type: 'route',
        resource: '8000',
        virtualHost: 'shop.test:8000',
        rules: ['VirtualService/default/shop-test'],
        reason: 'route "8000": I do not like sevens',
      });
    });
  });
}

it('a delta client that reconnects with all resources gets none', async () => {
  const mesh = await createMeshDir();
  onTestFinished(() => mesh.delete());
  await mesh.write('shop.yaml', serviceEntry(host, 8000, [{ port: 1 }]));
  const controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
  onTestFinished(() => controlPlane.stop());
  const first = openAds(controlPlane.xdsPort, { mode: 'delta', follow: true });
  await first.subscribe('cluster');
  await first.subscribe('listener');
  await eventually(() => first.has.endpoint.size > 0 && first.has.route.size > 0, { what: 'all types' });
  first.cancel();

  const second = openAds(controlPlane.xdsPort, { mode: 'delta' });
  const answers = [
    await second.subscribe('cluster', [], first.versions.cluster),
    await second.subscribe('listener', [], first.versions.listener),
  ];
  expect(answers.map(({ resources, removed }) => [resources.size, removed])).toEqual([
    [0, []],
    [0, []],
  ]);
  // Named types are answered only if something differs, so the first response carries the later change.
  const route = second.subscribe('route', [...first.has.route.keys()], first.versions.route);
  const endpoint = second.subscribe('endpoint', [...first.has.endpoint.keys()], first.versions.endpoint);
  await mesh.write(
    'shop.yaml',
    serviceEntry(host, 8000, [{ port: 2 }]),
    virtualService(host, [{ directResponse: { status: 418 } }]),
  );
  expect(endpointAddresses((await endpoint).resources.get(cluster))).toEqual(['127.0.0.1:2']);
  expect([...(await route).resources.keys()]).toEqual(['8000']);
  expect(second.responses).toHaveLength(4);
});
