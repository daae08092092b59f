import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { typeUrls } from '../../src/proto/resource.ts';
import { type Backend, startBackend } from '../support/backend.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { ownStream, sidecarBootstrap, splitBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { type HandFilledPlane, httpListener, startHandFilledPlane } from '../support/hand-filled-plane.ts';
import { get } from '../support/http.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function plane(): Promise<HandFilledPlane> {
  const started = await startHandFilledPlane();
  ends.push(() => started.stop());
  return started;
}

async function backend(name: string): Promise<Backend> {
  const started = await startBackend(name);
  ends.push(() => started.stop());
  return started;
}

async function connect(bootstrap: object): Promise<Envoy> {
  const envoy = await startEnvoy({ bootstrap });
  ends.push(() => envoy.stop());
  return envoy;
}

const edsCluster = (timeout = '1s') =>
  JSON.stringify({
    type: 'EDS',
    connect_timeout: timeout,
    eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' } },
  });

const endpoints = (port: number) =>
  JSON.stringify({
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
    ],
  });

const routeTo = (cluster: string) =>
  JSON.stringify({
    virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] }],
  });

describeWith(['envoy'], 'a real Envoy with separate streams', () => {
  for (const protocol of ['sotw', 'delta'] as const) {
    it(`gets clusters and listeners from single-type services, the rest from ADS (${protocol})`, async () => {
      const { xdsPort, put, coordinator, rejections } = await plane();
      const [one, two] = [await backend('one'), await backend('two')];
      put({
        cluster: { shop: edsCluster() },
        endpoint: { shop: endpoints(one.port) },
        listener: { shop: httpListener('shop') },
        route: { shop: routeTo('shop') },
      });
      const envoy = await connect(splitBootstrap({ xdsPort, protocol }));
      const port = (await envoy.listeners()).get('shop') ?? 0;
      const answer = async () => (await get(port)).body;
      await eventually(async () => (await answer()) === 'one', { what: 'an answer of the first' });
      expect([...coordinator.clients].map(({ service }) => service).sort()).toEqual(['ADS', 'CDS', 'LDS']);

      put({ cluster: { shop: edsCluster('2s') } });
      const timeouts = async () =>
        (await envoy.admin('/config_dump?resource=dynamic_active_clusters')).includes('"2s"');
      await eventually(timeouts, {
        what: 'the changed cluster, without the 15 s that Envoy waits for an assignment',
        timeoutMs: 10_000,
      });
      expect(await answer()).toBe('one');
      put({ endpoint: { shop: endpoints(two.port) } });
      await eventually(async () => (await answer()) === 'two', { what: 'an answer of the second' });
      expect(rejections).toEqual([]);
    });
  }

  it('requests virtual hosts on demand, and follows them', async () => {
    const { xdsPort, put, coordinator } = await plane();
    const [one, two] = [await backend('one'), await backend('two')];
    const hosts = (cluster: string, ...domains: string[]) =>
      JSON.stringify({
        virtual_hosts: [{ name: 'shop', domains, routes: [{ match: { prefix: '/' }, route: { cluster } }] }],
      });
    put({
      cluster: { one: edsCluster(), two: edsCluster() },
      endpoint: { one: endpoints(one.port), two: endpoints(two.port) },
      route: { web: hosts('one', 'shop.test', 'shop') },
    });
    const routes = { name: 'web', vhds: { config_source: ownStream('delta') } };
    const envoy = await connect(
      await onDemandBootstrap(xdsPort, { rds: { route_config_name: 'web', config_source: await fileSource(routes) } }),
    );
    const port = (await envoy.listeners()).get('on-demand') ?? 0;
    const answer = async (host: string) => {
      const { status, body } = await get(port, { host, timeoutMs: 3_000 });
      return status === 200 ? body : status;
    };
    expect(await answer('shop.test')).toBe('one');
    expect(await answer('shop')).toBe('one');
    expect(await answer('nothing.test')).toBe(404);
    put({ route: { web: hosts('two', 'shop.test', 'nothing.test') } });
    await eventually(async () => (await answer('shop.test')) === 'two', { what: 'the changed route' });
    await eventually(async () => (await answer('nothing.test')) === 'two', { what: 'the host that was unknown' });
    expect(await answer('shop')).toBe(404);
    put({ route: { web: hosts('one', '*') } });
    await eventually(async () => (await answer('shop.test')) === 'one', { what: 'what holds for every host' });
    expect(await answer('never.asked.before')).toBe('one');
    put({ route: { web: hosts('two', 'shop.test') } });
    await eventually(async () => (await answer('shop.test')) === 'two', { what: 'a host of its own again' });
    put({ route: { web: null } });
    await eventually(async () => (await answer('shop.test')) === 404, { what: 'no route' });
    expect([...coordinator.clients].map(({ service }) => service).sort()).toEqual(['ADS', 'VHDS']);
  });

  it('requests clusters on demand', async () => {
    const { xdsPort, put } = await plane();
    const one = await backend('one');
    put({ cluster: { one: edsCluster() }, endpoint: { one: endpoints(one.port), late: endpoints(one.port) } });
    const route = { match: { prefix: '/' }, route: { cluster_header: 'x-cluster' } };
    const routes = { name: 'web', virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] };
    const odcds = { odcds: { source: { ads: {}, resource_api_version: 'V3' }, timeout: '5s' } };
    const bootstrap = await onDemandBootstrap(xdsPort, { route_config: routes }, odcds);
    const envoy = await connect(bootstrap);
    const port = (await envoy.listeners()).get('on-demand') ?? 0;
    const answer = async (cluster: string) => {
      const { status, body } = await get(port, { headers: { 'x-cluster': cluster }, timeoutMs: 3_000 });
      return status === 200 ? body : status;
    };
    expect(await answer('one')).toBe('one');
    expect(await answer('late')).toBe(503);
    put({ cluster: { late: edsCluster() } });
    await eventually(async () => (await answer('late')) === 'one', { what: 'the cluster that was unknown' });
  });

  it('starts without an extension that does not exist, after the time that its configuration sets', async () => {
    const { xdsPort, coordinator } = await plane();
    const type_urls = ['type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors'];
    const source = { ...ownStream('delta'), initial_fetch_timeout: '1s' };
    const absent = { name: 'absent', config_discovery: { config_source: source, type_urls } };
    const routes = { name: 'web', virtual_hosts: [] };
    await connect(await onDemandBootstrap(xdsPort, { route_config: routes }, { filters: [absent] }));
    const clients = [...coordinator.clients];
    expect(clients.map(({ service }) => service).sort()).toEqual(['ADS', 'ECDS']);
    const asked = clients.find(({ service }) => service === 'ECDS')?.stream.types.get('extension');
    expect(asked).toMatchObject({ inFlight: null, answers: { error: null } });
    expect(asked?.names.names).toEqual(['absent']);
  });
});

/**
 * Bootstrap of a listener outside ADS, whose filter requests missing resources. Clusters arrive only by delta ADS on
 * demand.
 */
async function onDemandBootstrap(
  xdsPort: number,
  routing: object,
  { filters = [], ...onDemand }: { filters?: object[]; odcds?: object } = {},
): Promise<object> {
  const bootstrap = sidecarBootstrap({ xdsPort, protocol: 'delta' }) as {
    dynamic_resources: { cds_config?: object; lds_config?: object };
    static_resources: { listeners?: object[] };
  };
  delete bootstrap.dynamic_resources.lds_config;
  if ('odcds' in onDemand) delete bootstrap.dynamic_resources.cds_config;
  const http = 'envoy.extensions.filters.http';
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'on-demand',
    ...routing,
    http_filters: [
      ...filters,
      {
        name: 'on-demand',
        typed_config: { '@type': `type.googleapis.com/${http}.on_demand.v3.OnDemand`, ...onDemand },
      },
      { name: 'router', typed_config: { '@type': `type.googleapis.com/${http}.router.v3.Router` } },
    ],
  };
  bootstrap.static_resources.listeners = [
    {
      name: 'on-demand',
      address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
      filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
    },
  ];
  return bootstrap;
}

/** A route configuration in a file. */
async function fileSource(routes: object): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-routes-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'routes.json');
  const resource = { '@type': typeUrls.route, ...routes };
  await writeFile(path, JSON.stringify({ version_info: '1', resources: [resource] }));
  return { resource_api_version: 'V3', path_config_source: { path } };
}
