import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAds } from '../support/ads-client.ts';
import { cli } from '../support/cli.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { get, sendJson } from '../support/http.ts';
import { createMeshDir, destinationRule, type MeshDir, serviceEntry, to, virtualService } from '../support/mesh-dir.ts';

/** Views and commands for one connected proxy, of the real program. */

const host = 'shop.test';
const proxy = 'shop-1.default';
const cluster = 'outbound|8080|v1|shop.test';

let mesh: MeshDir;
let controlPlane: ControlPlane;

const cliOf = (argv: readonly string[]) =>
  cli(argv, { env: { BINNACLE_SERVER: `http://127.0.0.1:${controlPlane.httpPort}` } });
const out = async (...argv: string[]) => {
  const { code, out: text, errors } = await cliOf(argv);
  expect({ code, errors }).toEqual({ code: 0, errors: [] });
  return text;
};
const view = async (path: string) => JSON.parse((await get(controlPlane.httpPort, { path })).body);

beforeAll(async () => {
  mesh = await createMeshDir();
  await mesh.write(
    'shop.yaml',
    serviceEntry(host, 8080, [
      { port: 9001, labels: { version: 'v1' } },
      { port: 9002, labels: { version: 'v2' } },
    ]),
    destinationRule(host, ['v1', 'v2']),
    virtualService(host, [{ match: [{ uri: { prefix: '/old' } }], route: to(host, { v1: 90, v2: 10 }) }]),
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata: { name: 'all', namespace: 'default' },
      spec: { egress: [{ hosts: ['*/*'] }] },
    },
  );
  controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
});
afterAll(async () => {
  await controlPlane?.stop();
  await mesh?.delete();
});

/** Connects the proxy, until the test ends, and waits until it has its configuration. */
async function connect(): Promise<void> {
  const stream = openAds(controlPlane.xdsPort, {
    nodeId: `sidecar~10.0.0.1~${proxy}~default.svc.cluster.local`,
    follow: true,
  });
  await Promise.all([stream.subscribe('cluster'), stream.subscribe('listener')]);
  const types = async () => (await cliOf(['proxy-status', proxy])).out.split(' SYNCED').length - 1;
  await eventually(async () => (await types()) === 4, { what: 'four synced types' });
}

it('proxy-status shows each proxy with the state of its types', async () => {
  await connect();
  const text = await out('proxy-status');
  expect(text).toMatch(
    /^PROXY +KIND +CLUSTERS +ENDPOINTS +LISTENERS +ROUTES +CONNECTED +FROM\nshop-1\.default +envoy +(SYNCED +){4}20/,
  );
  const [json] = JSON.parse(await out('proxy-status', '-o', 'json'));
  expect(json).toMatchObject({ isSynced: true, proxy: { name: 'shop-1', namespace: 'default' } });
});

it('proxy-status says that a proxy is not connected', async () => {
  const { code, errors } = await cliOf(['proxy-status', 'nobody.default']);
  expect({ code, errors }).toEqual({
    code: 4,
    errors: ['no proxy "nobody.default" is connected; binnacle proxy-status lists all'],
  });
});

it('proxy-config shows clusters, endpoints, listeners and routes', async () => {
  await connect();
  expect(await out('proxy-config', 'clusters', proxy, '--name', host)).toBe(
    [
      'HOST        PORT   SUBSET   DIRECTION   TYPE   LOAD BALANCING',
      'shop.test   8080   -        outbound    EDS    LEAST_REQUEST',
      'shop.test   8080   v1       outbound    EDS    LEAST_REQUEST',
      'shop.test   8080   v2       outbound    EDS    LEAST_REQUEST',
      '',
    ].join('\n'),
  );
  expect(await out('proxy-config', 'endpoints', proxy, '--name', '|v1|')).toMatch(
    /^127\.0\.0\.1:9001 +HEALTHY +1 +- +0 +outbound\|8080\|v1\|shop\.test$/m,
  );
  expect(await out('proxy-config', 'listeners', proxy)).toMatch(/^127\.0\.0\.1_8080 .*HTTP: route 8080$/m);
  const routes = await out('proxy-config', 'routes', proxy, '--name', '8080');
  expect(routes).toMatch(
    /^8080 +shop\.test:8080 +shop\.test.* +\/old\* .*\|v1\|shop\.test 90, .*\|v2\|shop\.test 10$/m,
  );
  const all = await out('proxy-config', 'all', proxy);
  for (const title of ['clusters', 'endpoints', 'listeners', 'routes'])
    expect(all).toMatch(new RegExp(`^${title}$`, 'm'));
  expect(Object.keys(JSON.parse(await out('proxy-config', 'all', proxy, '-o', 'json')))).toHaveLength(4);
});

it.each([
  { argv: ['proxy-config'], code: 2, error: /say what to show: clusters, endpoints, listeners, routes, all/ },
  { argv: ['proxy-config', 'routes'], code: 2, error: /name one proxy/ },
  { argv: ['proxy-config', 'routes', 'nobody'], code: 4, error: /no proxy "nobody".*connected are: shop-1\.default/ },
  { argv: ['explain', 'shop-1.default'], code: 2, error: /name a proxy and TYPE\/NAME/ },
  { argv: ['explain', 'shop-1.default', 'cluster/nothing'], code: 4, error: /is served no cluster nothing/ },
])('says what is wrong with $argv', async ({ argv, code, error }) => {
  await connect();
  const { code: ended, errors } = await cliOf(argv);
  expect(ended).toBe(code);
  expect(errors.join('\n')).toMatch(error);
});

it('explain names the rules and services that made a resource', async () => {
  await connect();
  const text = await out('explain', proxy, `cluster/${cluster}`);
  expect(text).toMatch(/^cluster\/outbound\|8080\|v1\|shop\.test +- +DestinationRule\/default\/shop-test$/m);
  expect(text).toContain('service/default/shop.test');
  const route = await out('explain', proxy, 'route/8080');
  expect(route).toMatch(/^route\/8080 +shop\.test:8080 +VirtualService\/default\/shop-test$/m);
  const explained = JSON.parse(await out('explain', proxy, `cluster/${cluster}`, '-o', 'json'));
  expect(explained.configs[0].dynamic_active_clusters[0].cluster.name).toBe(cluster);
});

it('the views of one proxy show its Sidecar, its instances and its resources', async () => {
  await connect();
  expect(await view('/debug/sidecarz')).toMatchObject([{ sidecars: ['Sidecar/default/all'] }]);
  expect(await view(`/debug/instancesz?proxyID=${proxy}`)).toMatchObject({ addresses: ['10.0.0.1'], instances: [] });
  const [{ resources }] = await view('/debug/resourcesz');
  expect(resources.cluster).toContain(cluster);
});

it('the views of the whole mesh count what there is', async () => {
  await connect();
  expect(await view('/debug/connections')).toMatchObject({ total: 1 });
  expect(await view('/debug/push_status')).toMatchObject({
    streams: { total: 1, synced: 1, behind: [] },
    rejectedParts: 0,
  });
  expect(await view('/debug/pushcontext')).toMatchObject({
    rules: { VirtualService: 1, DestinationRule: 1 },
    services: 1,
  });
  expect(await view('/debug/endpointShardz?host=shop.test')).toMatchObject([
    { service: 'default/shop.test', shards: { 'service-entries': { healthy: 2, others: 0 } } },
  ]);
  expect(await view('/debug/networkz')).toEqual([{ network: '', endpoints: 2 }]);
  expect(await view('/debug/clusterz')).toEqual([]);
  expect(await view('/debug/mesh')).toMatchObject({ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } });
  expect(await view('/debug/cachez')).toMatchObject({ clients: 1 });
});

it('records profiles, one at a time', async () => {
  const [cpu, second] = await Promise.all([
    get(controlPlane.httpPort, { path: '/debug/pprof/profile?seconds=1' }),
    get(controlPlane.httpPort, { path: '/debug/pprof/heap?seconds=1' }),
  ]);
  expect([cpu.status, second.status].sort()).toEqual([200, 429]);
  expect(JSON.parse(cpu.body).nodes.length).toBeGreaterThan(1);
  const heap = await get(controlPlane.httpPort, { path: '/debug/pprof/heap?seconds=1' });
  expect(Object.keys(JSON.parse(heap.body))).toContain('head');
  expect((await get(controlPlane.httpPort, { path: '/debug/pprof/heap?seconds=900' })).status).toBe(400);
});

it('drops built responses, and ends the streams of a proxy, only on a POST', async () => {
  await connect();
  const path = `/debug/force_disconnect?proxyID=${proxy}`;
  expect(await view(path)).toHaveLength(1);
  expect((await view('/debug/connections')).total).toBe(1);
  await sendJson(controlPlane.httpPort, 'POST', '/debug/cachez?clear=true', {});
  await sendJson(controlPlane.httpPort, 'POST', path, {});
  await eventually(async () => (await view('/debug/connections')).total === 0, { what: 'the end of the stream' });
});
