import { describe, expect, test } from 'vitest';
import { meshConfigSchema } from '../../../src/rules/mesh-config.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

type World = ReturnType<typeof compiledWorld>;

const destination = { host: 'a' };
const route = [{ destination }];
const cluster = (host: string) => `outbound|80||${host}.default.svc.cluster.local`;

/** Returns the first route of the service `a`. */
function firstRoute(world: World, of = proxy()): Record<string, unknown> {
  const { virtualHosts } = world.json('route', '80', of) as {
    virtualHosts: { name: string; routes: Record<string, unknown>[] }[]; // its schema
  };
  const host = virtualHosts.find(({ name }) => name === 'a.default.svc.cluster.local:80');
  return host?.routes[0] ?? {};
}

/** Compiles one HTTP route for `a`. */
function routed(http: object, of = proxy()): Record<string, unknown> {
  const world = compiledWorld();
  world.apply(service('a'), service('b'), rule('VirtualService', 'r', { hosts: ['a'], http: [{ route, ...http }] }));
  return firstRoute(world, of);
}

const filters = (http: object) => routed(http).typedPerFilterConfig;
const forward = (http: object) => routed(http).route as Record<string, unknown>; // a route with an action

describe('a fault', () => {
  const faults = 'envoy.filters.http.fault';
  for (const { name, fault, want } of [
    {
      name: 'delays a share of the requests',
      fault: { delay: { fixedDelay: '3s', percentage: { value: 0.5 } } },
      want: { delay: { fixedDelay: '3s', percentage: { numerator: 5_000, denominator: 'MILLION' } } },
    },
    {
      name: 'delays the whole percentage of the older form',
      fault: { delay: { fixedDelay: '1.5s', percent: 25 } },
      want: { delay: { fixedDelay: '1.500s', percentage: { numerator: 250_000, denominator: 'MILLION' } } },
    },
    {
      name: 'answers with a status of HTTP',
      fault: { abort: { httpStatus: 418, percentage: { value: 20 } } },
      want: { abort: { httpStatus: 418, percentage: { numerator: 200_000, denominator: 'MILLION' } } },
    },
    {
      name: 'answers with a status of gRPC',
      fault: { abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 100 } } },
      want: { abort: { grpcStatus: 14, percentage: { numerator: 1_000_000, denominator: 'MILLION' } } },
    },
  ]) {
    test(name, () => expect(filters({ fault })).toMatchObject({ [faults]: want }));
  }

  test('of no requests has no settings', () => {
    expect(
      filters({ fault: { delay: { fixedDelay: '1s' }, abort: { httpStatus: 500, percentage: {} } } }),
    ).toBeUndefined();
  });
});

describe('CORS', () => {
  const cors = (corsPolicy: object) =>
    (filters({ corsPolicy }) as Record<string, Record<string, unknown>>)['envoy.filters.http.cors']; // by filter name

  test('allows origins, methods and headers to browsers', () => {
    const origins = [{ exact: 'https://app.test' }, { prefix: 'https://dev.' }, { regex: 'https://.*\\.shop\\.test' }];
    expect(
      cors({
        allowOrigins: origins,
        allowMethods: ['GET', 'PUT'],
        allowHeaders: ['x-one', 'x-two'],
        exposeHeaders: ['x-three'],
        maxAge: '1h',
        allowCredentials: true,
      }),
    ).toEqual({
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
      allowOriginStringMatch: [
        { exact: 'https://app.test' },
        { prefix: 'https://dev.' },
        { safeRegex: { regex: 'https://.*\\.shop\\.test' } },
      ],
      allowMethods: 'GET,PUT',
      allowHeaders: 'x-one,x-two',
      exposeHeaders: 'x-three',
      maxAge: '3600',
      allowCredentials: true,
      filterEnabled: { defaultValue: { numerator: 1_000_000, denominator: 'MILLION' } },
      forwardNotMatchingPreflights: true,
    });
  });

  test('takes the older form of origins as whole texts', () => {
    expect(cors({ allowOrigin: ['*', 'https://a.test'] })?.allowOriginStringMatch).toEqual([
      { exact: '*' },
      { exact: 'https://a.test' },
    ]);
  });

  test('answers preflights of other origins if asked to', () => {
    expect(cors({ allowOrigin: ['*'], unmatchedPreflights: 'IGNORE' })?.forwardNotMatchingPreflights).toBe(false);
  });
});

test('a rule that begins to use a filter changes no listener and no other host', () => {
  const world = compiledWorld();
  world.apply(service('a'), service('b'));
  world.names('listener');
  const fault = { abort: { httpStatus: 503, percentage: { value: 1 } } };
  const { changes, work } = world.apply(
    rule('VirtualService', 'r', { hosts: ['a'], http: [{ route, fault, corsPolicy: { allowOrigin: ['*'] } }] }),
  );
  expect(changes.map(({ type, changed }) => [type, changed.map(({ name }) => name)])).toEqual([['route', ['80']]]);
  expect(work.hostsCompiled).toBe(1);
});

describe('a route', () => {
  test('counts its requests under the prefix of the match', () => {
    expect(routed({ match: [{ statPrefix: 'checkout' }] }).statPrefix).toBe('checkout');
  });

  test('retries in other localities if asked to', () => {
    const retries = { attempts: 3, retryRemoteLocalities: true };
    expect(forward({ retries }).retryPolicy).toMatchObject({
      numRetries: 3,
      retryPriority: { name: 'envoy.retry_priorities.previous_priorities', typedConfig: { updateFrequency: 2 } },
    });
    expect(forward({ retries: { attempts: 3 } }).retryPolicy).not.toHaveProperty('retryPriority');
  });

  test('sets the host of one of several destinations', () => {
    const headers = { request: { set: { Host: 'b.test', 'x-a': '1' } } };
    const several = [
      { destination, weight: 1 },
      { destination: { host: 'b' }, weight: 3, headers },
    ];
    expect(forward({ route: several }).weightedClusters).toEqual({
      clusters: [
        { name: cluster('a'), weight: 1 },
        {
          name: cluster('b'),
          weight: 3,
          requestHeadersToAdd: [{ header: { key: 'x-a', value: '1' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
          hostRewriteLiteral: 'b.test',
        },
      ],
    });
  });

  test('sets the host of its only destination unless it rewrites the host itself', () => {
    const only = [{ destination, headers: { request: { set: { ':authority': 'b.test' } } } }];
    expect(forward({ route: only }).hostRewriteLiteral).toBe('b.test');
    expect(forward({ route: only, rewrite: { authority: 'c.test' } }).hostRewriteLiteral).toBe('c.test');
  });

  test('sends nothing to a destination of weight 0', () => {
    const several = [
      { destination, weight: 0 },
      { destination: { host: 'b' }, weight: 1 },
    ];
    expect(forward({ route: several }).cluster).toBe(cluster('b'));
  });

  for (const { name, fields, want } of [
    { name: 'all', fields: {}, want: 1_000_000 },
    { name: 'mirrorPercent', fields: { mirrorPercent: 5 }, want: 50_000 },
    { name: 'mirror_percent', fields: { mirror_percent: 5 }, want: 50_000 },
    { name: 'mirrorPercentage', fields: { mirrorPercent: 5, mirrorPercentage: { value: 12.5 } }, want: 125_000 },
  ]) {
    test(`mirrors the share of ${name}`, () => {
      expect(forward({ mirror: { host: 'b' }, ...fields }).requestMirrorPolicies).toEqual([
        { cluster: cluster('b'), runtimeFraction: { defaultValue: { numerator: want, denominator: 'MILLION' } } },
      ]);
    });
  }
});

describe('the default retries of the mesh', () => {
  const withMesh = (defaultHttpRetryPolicy: object, http: readonly object[] = [{ route }]) => {
    const world = compiledWorld();
    world.apply(
      { type: 'mesh', mesh: meshConfigSchema.parse({ defaultHttpRetryPolicy }) },
      service('a'),
      rule('VirtualService', 'r', { hosts: ['a'], http }),
    );
    return firstRoute(world).route;
  };

  test('apply to routes without their own, with or without a rule', () => {
    const world = compiledWorld();
    const mesh = meshConfigSchema.parse({ defaultHttpRetryPolicy: { attempts: 1, retryOn: 'reset' } });
    world.apply({ type: 'mesh', mesh }, service('a'));
    const want = { retryPolicy: { numRetries: 1, retryOn: 'reset' } };
    expect(firstRoute(world).route).toMatchObject(want);
    expect(withMesh({ attempts: 1, retryOn: 'reset' })).toMatchObject(want);
    expect(withMesh({ attempts: 1 }, [{ route, retries: { attempts: 4 } }])).toMatchObject({
      retryPolicy: { numRetries: 4 },
    });
  });

  test('of 0 attempts are none', () => expect(withMesh({ attempts: 0 })).not.toHaveProperty('retryPolicy'));
});

describe('clients that lack a feature', () => {
  const http = [
    {
      match: [{ statPrefix: 'x' }],
      fault: { abort: { httpStatus: 503, percentage: { value: 1 } } },
      corsPolicy: { allowOrigin: ['*'] },
      retries: { attempts: 1, retryOn: 'unavailable', retryRemoteLocalities: true },
      route: [
        { destination, weight: 1 },
        { destination: { host: 'b' }, weight: 1, headers: { request: { set: { host: 'b.test' } } } },
      ],
    },
  ];
  for (const { client, want } of [
    {
      client: 'grpc' as const,
      want: [
        'gRPC clients do not choose localities for retries',
        'gRPC clients do not know the filter envoy.filters.http.cors',
        'gRPC clients do not know the filter envoy.filters.http.fault',
        'gRPC clients do not rewrite the authority',
        'gRPC clients have no statistics of a statPrefix',
      ],
    },
    {
      client: 'mosn' as const,
      want: [
        'MOSN does not choose localities for retries',
        'MOSN does not know the filter envoy.filters.http.cors',
        'MOSN does not know the filter envoy.filters.http.fault',
        'MOSN does not set the host of one destination',
        'MOSN has no statistics of a statPrefix',
      ],
    },
  ]) {
    test(`(${client}) are reported to the rule, and get the rest of the route`, () => {
      const world = compiledWorld();
      world.apply(service('a'), service('b'), rule('VirtualService', 'r', { hosts: ['a'], http }));
      const of = proxy({ client });
      const [name = ''] = world.names('route', of);
      const text = JSON.stringify(world.json('route', name, of));
      for (const word of ['typedPerFilterConfig', 'retryPriority', 'statPrefix', 'hostRewriteLiteral']) {
        expect(text).not.toContain(word);
      }
      expect(text).toContain('"weightedClusters"');
      expect(world.problems()).toEqual({ 'VirtualService/default/r': want });
    });
  }
});
