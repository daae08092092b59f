import { afterEach, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { get } from '../support/http.ts';

/** Tests the support code for the other tests with a real Envoy. */
describeWith(['envoy'], 'a real Envoy', () => {
  const running: (Envoy | Backend)[] = [];
  afterEach(async () => {
    for (const part of running.splice(0)) await part.stop();
  });

  it('routes by Host header to a backend, on ports that the system chose', async () => {
    const backend = await startBackend('reviews-v1');
    running.push(backend);
    const envoy = await startEnvoy({ bootstrap: staticProxy(backend.port) });
    running.push(envoy);
    const port = (await envoy.listeners()).get('web') ?? 0;

    const answer = await get(port, { host: 'reviews', path: '/x', headers: { 'x-user': 'jason' } });
    const elsewhere = await get(port, { host: 'ratings' });

    expect(answer).toMatchObject({ status: 200, body: 'reviews-v1', headers: { 'echo-x-user': 'jason' } });
    expect(elsewhere.status).toBe(404);
    expect(backend.requests.map(({ path }) => path)).toEqual(['/x']);
  });

  it('shows its counters and its configuration', async () => {
    const backend = await startBackend('reviews-v1');
    running.push(backend);
    const envoy = await startEnvoy({ bootstrap: staticProxy(backend.port) });
    running.push(envoy);
    const port = (await envoy.listeners()).get('web') ?? 0;
    backend.failNext(1);

    await get(port, { host: 'reviews' });

    const stats = await envoy.stats('cluster\\.reviews\\.upstream_rq');
    expect(stats.get('cluster.reviews.upstream_rq_503')).toBe(1);
    const dump = await envoy.configDump();
    expect(dump.configs.map((part) => part['@type'])).toContain(
      'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
    );
  });

  it('reports why it does not start', async () => {
    const start = startEnvoy({ bootstrap: { node: { nonsense: true } } });

    await expect(start).rejects.toThrow(/nonsense/);
  });
});

const staticProxy = (backendPort: number) => ({
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  static_resources: {
    listeners: [
      {
        name: 'web',
        address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
        filter_chains: [{ filters: [httpConnectionManager] }],
      },
    ],
    clusters: [
      {
        name: 'reviews',
        type: 'STATIC',
        load_assignment: {
          cluster_name: 'reviews',
          endpoints: [
            {
              lb_endpoints: [
                { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: backendPort } } } },
              ],
            },
          ],
        },
      },
    ],
  },
});

const httpConnectionManager = {
  name: 'envoy.filters.network.http_connection_manager',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'web',
    route_config: {
      virtual_hosts: [
        { name: 'reviews', domains: ['reviews'], routes: [{ match: { prefix: '/' }, route: { cluster: 'reviews' } }] },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  },
};
