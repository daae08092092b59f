import { describe, expect, test } from 'vitest';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

const reviews = service('reviews');
const full = 'reviews.default.svc.cluster.local';
const name = `outbound|80||${full}`;
const subsetName = (subset: string) => `outbound|80|${subset}|${full}`;

const policy = (loadBalancer: string) => ({ trafficPolicy: { loadBalancer: { simple: loadBalancer } } });

/** The load balancing that clients of each namespace see, for a set of rules. */
function lbPolicy(rules: readonly ReturnType<typeof rule>[], of = proxy(), cluster = name): unknown {
  const world = compiledWorld();
  world.apply(reviews, ...rules);
  return world.json('cluster', cluster, of).lbPolicy ?? 'ROUND_ROBIN'; // the default of the message
}

describe('a destination', () => {
  test('is a cluster that gets its endpoints over the same stream', () => {
    const world = compiledWorld();
    world.apply(reviews);
    expect(world.json('cluster', name)).toMatchObject({
      type: 'EDS',
      lbPolicy: 'LEAST_REQUEST',
      connectTimeout: '10s',
      edsClusterConfig: { serviceName: name, edsConfig: { ads: {}, resourceApiVersion: 'V3' } },
    });
  });

  for (const { resolution, want } of [
    { resolution: 'dns', want: { type: 'STRICT_DNS', loadAssignment: { clusterName: name } } },
    { resolution: 'dns-round-robin', want: { type: 'LOGICAL_DNS' } },
    { resolution: 'passthrough', want: { type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' } },
  ] as const) {
    test(`with resolution ${resolution} is another type of cluster, without an assignment`, () => {
      const world = compiledWorld();
      world.apply(service('reviews', { resolution }));
      expect(world.json('cluster', name)).toMatchObject(want);
      expect(world.names('endpoint')).toEqual([]);
    });
  }

  test('with resolution dns resolves its endpoints, or without endpoints its own name', () => {
    const world = compiledWorld();
    const dns = service('reviews', { resolution: 'dns' });
    const addresses = () => JSON.stringify(world.json('cluster', name).loadAssignment).match(/"address":"[^"]+"/g);
    world.apply(dns);
    expect(addresses()).toEqual([`"address":"${full}"`]);
    world.apply(endpointsOf(dns, [endpoint('b.example.com'), endpoint('a.example.com')]));
    expect(addresses()).toEqual(['"address":"a.example.com"', '"address":"b.example.com"']);
  });

  test('with resolution dns looks up the families of the workload again when the answer is outdated', () => {
    const lookup = (fields: Parameters<typeof proxy>[0]) => {
      const world = compiledWorld();
      world.apply(service('reviews', { resolution: 'dns' }));
      const { dnsLookupFamily, dnsRefreshRate, respectDnsTtl } = world.json('cluster', name, proxy(fields));
      return { dnsLookupFamily, dnsRefreshRate, respectDnsTtl };
    };
    const common = { dnsRefreshRate: '60s', respectDnsTtl: true };
    const redirect = 'redirect' as const;
    expect(lookup({ interception: redirect })).toEqual({ dnsLookupFamily: 'V4_ONLY', ...common });
    expect(lookup({ interception: redirect, addresses: ['fd00::1'] })).toEqual({
      dnsLookupFamily: 'V6_ONLY',
      ...common,
    });
    const both = ['10.0.0.1', 'fd00::1'];
    expect(lookup({ interception: redirect, addresses: both })).toEqual({ dnsLookupFamily: 'ALL', ...common });
    expect(lookup({ interception: 'none' })).toEqual({ dnsLookupFamily: 'V4_PREFERRED', ...common });
  });

  test('with resolution dns keeps the localities of its endpoints', () => {
    const world = compiledWorld();
    const dns = service('reviews', { resolution: 'dns' });
    world.apply(
      dns,
      endpointsOf(dns, [
        endpoint('b.example.com', { locality: 'eu/a', weight: 2 }),
        endpoint('a.example.com', { locality: 'eu/a' }),
        endpoint('c.example.com'),
      ]),
    );
    expect(world.json('cluster', name).loadAssignment).toMatchObject({
      endpoints: [
        { lbEndpoints: [{ loadBalancingWeight: 1 }] },
        { locality: { region: 'eu', zone: 'a' }, lbEndpoints: [{}, {}], loadBalancingWeight: 3 },
      ],
    });
  });

  test('with resolution passthrough may replace the called port', () => {
    const world = compiledWorld();
    const ports = [{ name: 'http', number: 80, protocol: 'http', passthroughPort: 8080 }] as const;
    world.apply(service('reviews', { resolution: 'passthrough', ports }));
    expect(world.json('cluster', name)).toMatchObject({
      type: 'ORIGINAL_DST',
      originalDstLbConfig: { upstreamPortOverride: 8080 },
    });
  });

  test('of an endpoint that is a Unix domain socket is a pipe, for proxies that know pipes', () => {
    const world = compiledWorld();
    const sockets = [
      endpoint('unix:///run/a.sock', { ports: { http: 0 } }),
      endpoint('unix://@b', { ports: { http: 0 } }),
    ];
    world.apply(reviews, endpointsOf(reviews, sockets));
    expect(world.json('endpoint', name)).toMatchObject({
      endpoints: [
        {
          lbEndpoints: [
            { endpoint: { address: { pipe: { path: '@b' } } } },
            { endpoint: { address: { pipe: { path: '/run/a.sock' } } } },
          ],
        },
      ],
    });
    expect(world.json('endpoint', name, proxy({ client: 'grpc' })).endpoints ?? []).toEqual([]);
  });

  test('uses HTTP/2 for ports that support it, and for others if a rule requires it', () => {
    const options = (protocol: 'http' | 'grpc', h2UpgradePolicy?: string) => {
      const world = compiledWorld();
      world.apply(
        service('reviews', { ports: [{ name: 'p', number: 80, protocol }] }),
        rule('DestinationRule', 'r', {
          host: 'reviews',
          trafficPolicy: { connectionPool: { http: { h2UpgradePolicy } } },
        }),
      );
      return JSON.stringify(world.json('cluster', name).typedExtensionProtocolOptions ?? {});
    };
    expect(options('http')).toBe('{}');
    expect(options('grpc')).toContain('http2ProtocolOptions');
    expect(options('http', 'UPGRADE')).toContain('http2ProtocolOptions');
  });
});

describe('limits and outlier detection', () => {
  test('are those of the rule, and unlimited without one', () => {
    const world = compiledWorld();
    const trafficPolicy = {
      connectionPool: {
        tcp: { maxConnections: 10, connectTimeout: '250ms' },
        http: { http1MaxPendingRequests: 20, maxRequestsPerConnection: 1 },
      },
      outlierDetection: { consecutive5xxErrors: 3, interval: '5s', baseEjectionTime: '30s', maxEjectionPercent: 50 },
    };
    world.apply(reviews, rule('DestinationRule', 'r', { host: 'reviews', trafficPolicy }));
    expect(world.json('cluster', name)).toMatchObject({
      connectTimeout: '0.250s',
      circuitBreakers: { thresholds: [{ maxConnections: 10, maxPendingRequests: 20, maxRequests: 4294967295 }] },
      outlierDetection: {
        consecutive5xx: 3,
        enforcingConsecutive5xx: 100,
        enforcingSuccessRate: 0,
        interval: '5s',
        baseEjectionTime: '30s',
        maxEjectionPercent: 50,
      },
    });
  });
});

describe('which DestinationRule a client uses', () => {
  const host = full;
  const own = rule('DestinationRule', 'default/own', { host, ...policy('ROUND_ROBIN') });
  const clients = rule('DestinationRule', 'shop/client', { host, ...policy('RANDOM') });
  const root = rule('DestinationRule', 'istio-system/all', { host: '*.cluster.local', ...policy('PASSTHROUGH') });
  const hidden = rule('DestinationRule', 'default/own', { host, exportTo: ['.'], ...policy('ROUND_ROBIN') });
  const elsewhere = rule('DestinationRule', 'default/own', { host, exportTo: ['other'], ...policy('ROUND_ROBIN') });
  const rootOnly = rule('DestinationRule', 'istio-system/all', { host: '*', exportTo: ['.'], ...policy('RANDOM') });
  const wide = rule(
    'DestinationRule',
    'default/wide',
    { host: '*.default.svc.cluster.local', ...policy('RANDOM') },
    -1,
  );
  for (const { client, rules, want, why } of [
    { client: 'shop', rules: [own, clients, root], want: 'RANDOM', why: 'that of its own namespace first' },
    { client: 'other', rules: [own, clients, root], want: 'ROUND_ROBIN', why: "then the service's" },
    { client: 'other', rules: [clients, root], want: 'CLUSTER_PROVIDED', why: 'then that of the root namespace' },
    { client: 'other', rules: [hidden, root], want: 'CLUSTER_PROVIDED', why: 'no rule that is not exported to it' },
    { client: 'default', rules: [elsewhere, root], want: 'CLUSTER_PROVIDED', why: 'nor one of its own namespace' },
    { client: 'other', rules: [elsewhere, root], want: 'ROUND_ROBIN', why: 'which others have' },
    {
      client: 'istio-system',
      rules: [own, root],
      want: 'ROUND_ROBIN',
      why: 'in the root namespace no catch-all for all',
    },
    { client: 'istio-system', rules: [own, rootOnly], want: 'RANDOM', why: 'but one for that namespace alone' },
    { client: 'default', rules: [wide, own], want: 'ROUND_ROBIN', why: 'the most specific host, whatever its age' },
    { client: 'default', rules: [], want: 'LEAST_REQUEST', why: 'least request without any' },
  ]) {
    test(why, () => expect(lbPolicy(rules, proxy({ namespace: client }))).toBe(want));
  }

  test('one that selects its labels before one for all clients', () => {
    const workloadSelector = { matchLabels: { app: 'web' } };
    const rules = [own, rule('DestinationRule', 'default/web', { host, workloadSelector, ...policy('RANDOM') }, 9)];
    expect(lbPolicy(rules, proxy({ labels: { app: 'web' } }))).toBe('RANDOM');
    expect(lbPolicy(rules, proxy({ labels: { app: 'job' } }))).toBe('ROUND_ROBIN');
  });
});

describe('several DestinationRules of one host', () => {
  const first = rule('DestinationRule', 'a', { host: full, subsets: [{ name: 'v1', labels: { version: 'v1' } }] }, 1);
  const second = rule(
    'DestinationRule',
    'b',
    { host: full, subsets: [{ name: 'v1', labels: { version: 'x' } }, { name: 'v2' }], ...policy('RANDOM') },
    2,
  );
  const third = rule('DestinationRule', 'c', { host: full, ...policy('ROUND_ROBIN') }, 3);

  test('are merged: unique subsets, the first policy; dropped parts are reported', () => {
    const world = compiledWorld();
    world.apply(third, second, first, reviews);
    expect(world.names('cluster').filter((it) => it.startsWith('outbound'))).toEqual([
      subsetName('v1'),
      subsetName('v2'),
      name,
    ]);
    expect(world.json('cluster', name).lbPolicy).toBe('RANDOM');
    expect(world.problems()).toEqual({
      'DestinationRule/default/b': ['subset v1 is dropped: DestinationRule/default/a has it already'],
      'DestinationRule/default/c': ['spec.trafficPolicy is not used: an older rule of the same host has one'],
    });
  });
});

describe("a subset's and a port's policy", () => {
  const of = (trafficPolicy: object, subsetPolicy: object) => {
    const world = compiledWorld();
    const subsets = [{ name: 'v1', trafficPolicy: subsetPolicy }];
    world.apply(reviews, rule('DestinationRule', 'r', { host: 'reviews', trafficPolicy, subsets }));
    const { lbPolicy: lb, connectTimeout } = world.json('cluster', subsetName('v1'));
    return { lb: lb ?? 'ROUND_ROBIN', connectTimeout };
  };
  const loadBalancer = { simple: 'RANDOM' };
  const connectionPool = { tcp: { connectTimeout: '1s' } };
  const port = (settings: object) => ({ portLevelSettings: [{ port: { number: 80 }, ...settings }] });

  test('a subset overrides field by field', () => {
    expect(of({ connectionPool, loadBalancer: { simple: 'ROUND_ROBIN' } }, { loadBalancer })).toEqual({
      lb: 'RANDOM',
      connectTimeout: '1s',
    });
  });

  test('a port replaces all fields, including those that it omits', () => {
    expect(of({ connectionPool, ...port({ loadBalancer }) }, {})).toEqual({ lb: 'RANDOM', connectTimeout: '10s' });
  });
});

describe('an assignment', () => {
  const v1 = endpoint('10.0.0.1', { labels: { version: 'v1' }, locality: 'r/z1' });
  const v2 = endpoint('10.0.0.2', { labels: { version: 'v2' }, locality: 'r/z2', weight: 3 });

  test('has the endpoints by locality, weighted, unhealthy ones as such, without draining ones', () => {
    const world = compiledWorld();
    const set = [
      v2,
      endpoint('10.0.0.3', { health: 'unhealthy', locality: 'r/z1' }),
      v1,
      endpoint('10.0.0.4', { health: 'draining', locality: 'r/z1' }),
    ];
    world.apply(reviews, endpointsOf(reviews, set));
    const at = (address: string) => ({ address: { socketAddress: { address, portValue: 8080 } } });
    expect(world.json('endpoint', name)).toEqual({
      clusterName: name,
      endpoints: [
        {
          locality: { region: 'r', zone: 'z1' },
          lbEndpoints: [
            { endpoint: at('10.0.0.1'), loadBalancingWeight: 1 },
            { endpoint: at('10.0.0.3'), healthStatus: 'UNHEALTHY', loadBalancingWeight: 1 },
          ],
          loadBalancingWeight: 2,
        },
        {
          locality: { region: 'r', zone: 'z2' },
          lbEndpoints: [{ endpoint: at('10.0.0.2'), loadBalancingWeight: 3 }],
          loadBalancingWeight: 3,
        },
      ],
    });
  });

  test('has the draining endpoints while there are no others, without a status that prevents calls', () => {
    const world = compiledWorld();
    world.apply(reviews, endpointsOf(reviews, [endpoint('10.0.0.4', { health: 'draining' })]));
    const address = { socketAddress: { address: '10.0.0.4', portValue: 8080 } };
    expect(world.json('endpoint', name)).toMatchObject({
      endpoints: [{ lbEndpoints: [{ endpoint: { address }, loadBalancingWeight: 1 }] }],
    });
    expect(JSON.stringify(world.json('endpoint', name))).not.toContain('healthStatus');
  });

  test('lists unhealthy endpoints, which are never called, unless clients call all below a minimum of healthy ones', () => {
    const world = compiledWorld();
    const set = endpointsOf(reviews, [endpoint('10.0.0.1', { health: 'unhealthy' })]);
    const threshold = () => world.json('cluster', name).commonLbConfig;
    world.apply(reviews, set);
    expect(JSON.stringify(world.json('endpoint', name))).toContain('"healthStatus":"UNHEALTHY"');
    expect(threshold()).toEqual({ healthyPanicThreshold: {} });

    const outlierDetection = { minHealthPercent: 20 };
    world.apply(rule('DestinationRule', 'r', { host: 'reviews', trafficPolicy: { outlierDetection } }));
    expect(world.json('endpoint', name)).toEqual({ clusterName: name });
    expect(threshold()).toEqual({ healthyPanicThreshold: { value: 20 } });
  });

  for (const client of ['grpc', 'mosn'] as const) {
    test(`of ${client} clients has no unhealthy endpoints`, () => {
      const world = compiledWorld();
      world.apply(reviews, endpointsOf(reviews, [endpoint('10.0.0.1', { health: 'unhealthy' })]));
      expect(world.json('endpoint', name, proxy({ client }))).toEqual({ clusterName: name });
    });
  }

  test('of DNS keeps the names of endpoints that are all unhealthy', () => {
    const world = compiledWorld();
    const dns = service('reviews', { resolution: 'dns' });
    world.apply(dns, endpointsOf(dns, [endpoint('a.example.com', { health: 'unhealthy' })]));
    const text = JSON.stringify(world.json('cluster', name));
    expect(text).toContain('"address":"a.example.com"');
    expect(text).toContain('"healthStatus":"UNHEALTHY"');
  });

  test('of a subset has the endpoints with its labels, and may be empty', () => {
    const world = compiledWorld();
    const subsets = [
      { name: 'v1', labels: { version: 'v1' } },
      { name: 'v9', labels: { version: 'v9' } },
    ];
    world.apply(reviews, endpointsOf(reviews, [v1, v2]), rule('DestinationRule', 'r', { host: 'reviews', subsets }));
    expect(JSON.stringify(world.json('endpoint', subsetName('v1')))).toContain('10.0.0.1');
    expect(JSON.stringify(world.json('endpoint', subsetName('v1')))).not.toContain('10.0.0.2');
    expect(world.json('endpoint', subsetName('v9'))).toEqual({ clusterName: subsetName('v9') });
  });

  test('does not depend on the order of the endpoints', () => {
    const world = compiledWorld();
    world.apply(reviews, endpointsOf(reviews, [v1, v2, endpoint('10.0.0.5', { locality: 'r/z1' })]));
    world.layers();
    world.apply();
    const { changes } = world.apply(endpointsOf(reviews, [endpoint('10.0.0.5', { locality: 'r/z1' }), v2, v1]));
    expect(changes).toEqual([]);
  });

  test('of a service that grows, shrinks and grows again equals one built from scratch', () => {
    const world = compiledWorld();
    const many = Array.from({ length: 150 }, (_, index) =>
      endpoint(`10.0.1.${index}`, { locality: `r/z${index % 3}` }),
    );
    const heavier = many.with(7, endpoint('10.0.1.7', { locality: 'r/z1', weight: 5 }));
    const draining = heavier.with(8, endpoint('10.0.1.8', { locality: 'r/z2', health: 'draining' }));
    const moved = draining.with(9, endpoint('10.0.1.9', { locality: 'r/z0', ports: { http: 9090 } }));
    world.apply(reviews, endpointsOf(reviews, many));

    for (const set of [heavier, draining, moved, moved.slice(0, 20), moved]) {
      const fresh = compiledWorld();
      fresh.apply(reviews, endpointsOf(reviews, set));
      world.apply(endpointsOf(reviews, set));
      expect(world.json('endpoint', name)).toEqual(fresh.json('endpoint', name));
      expect(JSON.stringify(world.json('endpoint', name)).match(/socketAddress/g)).toHaveLength(
        set.filter(({ health }) => health !== 'draining').length,
      );
    }
  });

  test('of each port of a large service has that port', () => {
    const world = compiledWorld();
    const ports = [
      { name: 'http', number: 80, protocol: 'http' as const },
      { name: 'admin', number: 81, protocol: 'http' as const },
    ];
    const twoPorts = service('reviews', { ports });
    const many = Array.from({ length: 150 }, (_, index) =>
      endpoint(`10.0.1.${index}`, { ports: { http: 8080, admin: 8081 } }),
    );
    world.apply(twoPorts, endpointsOf(twoPorts, many));
    const portsOf = (port: number) =>
      new Set(JSON.stringify(world.json('endpoint', `outbound|${port}||${full}`)).match(/"portValue":\d+/g));
    expect(portsOf(80)).toEqual(new Set(['"portValue":8080']));
    expect(portsOf(81)).toEqual(new Set(['"portValue":8081']));
  });
});

test('of services of one host in several namespaces, clients call that of their own, but a Kubernetes one first', () => {
  const inNamespace = (namespace: string, age: number, registry = 'service-entry') =>
    service('api.example.com', {
      namespace,
      createdAtMs: age,
      registry,
      ports: [{ name: 'http', number: age, protocol: 'http' }],
    });
  const clusters = (world: ReturnType<typeof compiledWorld>, namespace: string) =>
    world.names('cluster', proxy({ namespace })).filter((cluster) => cluster.includes('api'));
  const world = compiledWorld();
  world.apply(inNamespace('depot', 1), inNamespace('quay', 2));
  expect(clusters(world, 'quay')).toEqual(['outbound|2||api.example.com']);
  expect(clusters(world, 'elsewhere')).toEqual(['outbound|1||api.example.com']);
  world.apply(inNamespace('customs', 3, 'kubernetes'));
  expect(clusters(world, 'quay')).toEqual(['outbound|3||api.example.com']);
});
