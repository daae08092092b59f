import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type AdsStream, openAds } from '../support/ads-client.ts';
import { endpointAddresses } from '../support/ads-resources.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { get, send, sendJson } from '../support/http.ts';
import { createMeshDir, destinationRule, type MeshDir, serviceEntry, to, virtualService } from '../support/mesh-dir.ts';

const host = 'shop.test';
const cluster = `outbound|8000||${host}`;
const virtualServices = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';
const instances = '/registry/v1/namespaces/default/services/vm.test/instances';
const instance = { address: '10.0.0.7', ports: [{ name: 'http', port: 7, protocol: 'http', servicePort: 8000 }] };

let mesh: MeshDir;
beforeEach(async () => {
  mesh = await createMeshDir();
});
afterEach(() => mesh.delete());

async function start(options: Parameters<typeof startControlPlane>[0] = {}): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path], ...options });
  onTestFinished(() => controlPlane.stop());
  return controlPlane;
}
/** Connects a sidecar that subscribes to everything. */
async function sidecar({ xdsPort }: ControlPlane): Promise<AdsStream> {
  const stream = openAds(xdsPort, { mode: 'delta', follow: true });
  await Promise.all([stream.subscribe('cluster'), stream.subscribe('listener')]);
  return stream;
}
const shop = (...ports: readonly number[]) =>
  serviceEntry(
    host,
    8000,
    ports.map((port) => ({ port, labels: { version: 'v1' } })),
  );
const endpoints = (stream: AdsStream, name = cluster) => endpointAddresses(stream.has.endpoint.get(name)).join();
const endpointsBecome = (stream: AdsStream, want: string, name = cluster) =>
  eventually(() => endpoints(stream, name) === want, { what: `${want || 'no endpoints'} for ${name}` });
const debug = async ({ httpPort }: ControlPlane, view: string) =>
  JSON.parse((await get(httpPort, { path: `/debug/${view}` })).body);
const adapterProblem = (controlPlane: ControlPlane, origin: string) =>
  eventually(
    async () => {
      const { problems } = await debug(controlPlane, 'adapterz');
      return problems.find((one: { origin: string }) => one.origin.startsWith(origin));
    },
    { what: `a problem of ${origin}` },
  );

describe('a file of the mesh directory', () => {
  it('half-written: its last contents stay, and file and line are reported until it is complete', async () => {
    const file = join(mesh.path, 'shop.yaml');
    await mesh.write('shop.yaml', shop(1));
    const controlPlane = await start();
    const stream = await sidecar(controlPlane);
    await endpointsBecome(stream, '127.0.0.1:1');

    await truncate(file, JSON.stringify(shop(1)).length - 40);
    const problem = await adapterProblem(controlPlane, 'shop.yaml#1');
    expect(problem).toMatchObject({
      shard: 'mesh-dir',
      message: expect.stringMatching(/^line \d+: .*; correct the file$/),
    });
    expect(endpoints(stream)).toBe('127.0.0.1:1');

    await writeFile(file, JSON.stringify(shop(1, 2)));
    await endpointsBecome(stream, '127.0.0.1:1,127.0.0.1:2');
    await eventually(async () => (await debug(controlPlane, 'adapterz')).problems.length === 0, { what: 'no problem' });
  });

  it('broken in one document: the others change, the broken one stays', async () => {
    const rule = virtualService(host, [{ directResponse: { status: 418 } }]);
    await mesh.write('shop.yaml', shop(1), rule);
    const controlPlane = await start();
    const stream = await sidecar(controlPlane);
    await endpointsBecome(stream, '127.0.0.1:1');
    const route = await eventually(() => stream.has.route.get('8000'), { what: 'the route' });

    await writeFile(join(mesh.path, 'shop.yaml'), `${JSON.stringify(shop(2))}\n---\nspec: {hosts: [\n`);
    await endpointsBecome(stream, '127.0.0.1:2');
    expect((await adapterProblem(controlPlane, 'shop.yaml#2')).message).toMatch(/^line [34]: /);
    expect(stream.has.route.get('8000')).toEqual(route);
  });

  it('a rule with an unknown field: the last good one stays in effect, /debug/problemz names the field', async () => {
    await mesh.write('shop.yaml', shop(1), virtualService(host, [{ directResponse: { status: 418 } }]));
    const controlPlane = await start();
    const stream = await sidecar(controlPlane);
    const route = await eventually(() => stream.has.route.get('8000'), { what: 'the route' });
    await mesh.write('shop.yaml', shop(2), virtualService(host, [{ directResponse: { status: 200 }, timeoot: '1s' }]));
    await endpointsBecome(stream, '127.0.0.1:2');
    const [report] = await eventually(
      async () => {
        const { objects } = await debug(controlPlane, 'problemz');
        return objects.length > 0 && objects;
      },
      { what: 'the problem' },
    );
    expect(report).toMatchObject({
      id: 'VirtualService/default/shop-test',
      inEffect: 'earlier',
      problems: [{ path: 'spec.http[0].timeoot', message: expect.stringContaining('did you mean') }],
    });
    expect(report.origin).toContain('shop.yaml#2');
    expect(stream.has.route.get('8000')).toEqual(route);
  });

  it('deleted: its objects are removed, those of other files stay', async () => {
    await mesh.write('shop.yaml', shop(1));
    await mesh.write('other.yaml', serviceEntry('other.test', 8000, [{ port: 3 }]));
    const stream = await sidecar(await start());
    await endpointsBecome(stream, '127.0.0.1:3', 'outbound|8000||other.test');
    await mesh.remove('shop.yaml');
    await eventually(() => !stream.has.cluster.has(cluster), { what: 'the service gone' });
    expect(endpoints(stream, 'outbound|8000||other.test')).toBe('127.0.0.1:3');
  });

  it('directory lost: degraded in views and metrics, endpoints stay; restored: synced, with the changes', async () => {
    await mesh.write('shop.yaml', shop(1));
    const controlPlane = await start();
    const stream = await sidecar(controlPlane);
    await endpointsBecome(stream, '127.0.0.1:1');
    const isIn = (state: string) =>
      eventually(
        async () => (await controlPlane.metric(`binnacle_adapter_state{adapter="mesh-dir",state="${state}"}`)) === 1,
        { what: `the adapter ${state}` },
      );
    await isIn('synced');
    await mesh.hide();
    await isIn('degraded');
    const { shards } = await debug(controlPlane, 'adapterz');
    expect(shards.find(({ name }: { name: string }) => name === 'mesh-dir')).toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining(mesh.path),
      services: 0,
      objects: 1,
    });
    expect(endpoints(stream)).toBe('127.0.0.1:1');
    expect((await get(controlPlane.httpPort, { path: '/readyz' })).status).toBe(200);
    await mesh.restore();
    await mesh.write('shop.yaml', shop(2));
    await endpointsBecome(stream, '127.0.0.1:2');
    await isIn('synced');
  });
});

describe('a rule over HTTP', () => {
  it('that is invalid is answered with 422 and the path of each field; the rule in effect stays', async () => {
    await mesh.write('shop.yaml', shop(1), destinationRule(host, ['v1']));
    const controlPlane = await start();
    const stream = await sidecar(controlPlane);
    const good = virtualService(host, [{ route: to(host, { v1: 100 }) }]);
    await sendJson(controlPlane.httpPort, 'POST', virtualServices, good);
    const route = await eventually(
      () => [stream.has.route.get('8000')].find((body) => Buffer.from(body ?? []).includes('outbound|8000|v1|')),
      { what: 'the route to v1' },
    );
    const response = await send(controlPlane.httpPort, {
      method: 'PUT',
      path: `${virtualServices}/shop-test`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(virtualService(host, [{ timeout: 'soon', route: [{ wieght: 1, destination: { host } }] }])),
    });
    expect(response.status).toBe(422);
    const { reason, details } = JSON.parse(response.body);
    expect(reason).toBe('Invalid');
    expect(details.causes.map(({ field }: { field: string }) => field).sort()).toEqual([
      'spec.http[0].route[0].wieght',
      'spec.http[0].timeout',
    ]);
    expect((await debug(controlPlane, 'problemz')).objects).toEqual([]);
    const inEffect = (await debug(controlPlane, 'configz')).find(
      ({ kind }: { kind: string }) => kind === 'VirtualService',
    );
    expect(inEffect.spec.http).toEqual(good.spec.http);
    expect(stream.has.route.get('8000')).toEqual(route);
  });

  it('that is valid but names a missing subset is reported in /debug/problemz until the subset exists', async () => {
    await mesh.write('shop.yaml', shop(1), destinationRule(host, ['v1']));
    const controlPlane = await start();
    await sidecar(controlPlane);
    const rule = virtualService(host, [{ route: to(host, { v1: 50, v9: 50 }) }]);
    await sendJson(controlPlane.httpPort, 'POST', virtualServices, rule);
    const resolved = async () => (await debug(controlPlane, 'problemz')).resolved;
    await eventually(async () => (await resolved()).length > 0, { what: 'the report' });
    const [report] = await resolved();
    expect(report.id).toBe('VirtualService/default/shop-test');
    expect(report.messages.join()).toContain('v9');
    await mesh.write('shop.yaml', shop(1), destinationRule(host, ['v1', 'v9']));
    await eventually(async () => (await resolved()).length === 0, { what: 'the report gone' });
  });
});

describe('a crash', () => {
  it('loses no acknowledged change: rules and registrations exist after kill -9', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'binnacle-crash-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    await mesh.write('shop.yaml', shop(1));
    const first = await start({ dataDir });
    const acknowledged: string[] = [];
    const writing = (async () => {
      for (let n = 0; first.child.running; n++) {
        const name = `r${n}`;
        const rule = { ...virtualService(`${name}.test`, [{ directResponse: { status: 418 } }]), metadata: { name } };
        await sendJson(first.httpPort, 'POST', virtualServices, rule);
        await sendJson(first.httpPort, 'PUT', `${instances}/${name}`, instance);
        acknowledged.push(name);
      }
    })().catch(() => {}); // the crash ends it
    await eventually(() => acknowledged.length >= 20, { what: 'some writes' });
    await first.kill();
    await writing;

    const second = await start({ dataDir });
    const { items } = JSON.parse((await get(second.httpPort, { path: virtualServices })).body);
    const rules = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    const registered = JSON.parse((await get(second.httpPort, { path: instances })).body).instances;
    expect(rules).toEqual(expect.arrayContaining(acknowledged));
    expect(registered.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(acknowledged));
    await endpointsBecome(await sidecar(second), '127.0.0.1:1');
  });
});
