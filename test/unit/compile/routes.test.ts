import { describe, expect, test } from 'vitest';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

type Json = Record<string, unknown>;
interface VirtualHostJson {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly Json[];
}

const reviews = service('reviews');
const ratings = service('ratings', { createdAtMs: 2_000 });

/** The virtual hosts that a client is told for port 80 (or another), by name. */
function virtualHosts(world: ReturnType<typeof compiledWorld>, port = '80', of = proxy()) {
  const { virtualHosts: hosts } = world.json('route', port, of) as unknown as { virtualHosts: VirtualHostJson[] }; // its schema
  return new Map(hosts.map((host) => [host.name, host]));
}

/** The routes of `reviews` under one VirtualService. */
function routesOf(spec: object): readonly Json[] {
  const world = compiledWorld();
  world.apply(reviews, ratings, rule('VirtualService', 'reviews', { hosts: ['reviews'], ...spec }));
  return virtualHosts(world).get('reviews.default.svc.cluster.local:80')?.routes ?? [];
}

const to = (host: string, rest: object = {}) => ({ destination: { host }, ...rest });
const cluster = (host: string, subset = '') => `outbound|80|${subset}|${host}.default.svc.cluster.local`;

describe('a service without rules', () => {
  test('has every name by which clients call it', () => {
    const world = compiledWorld();
    world.apply(service('reviews', { vips: ['10.0.0.7', 'fd00::7'] }));
    const domains = (of = proxy()) =>
      virtualHosts(world, '80', of).get('reviews.default.svc.cluster.local:80')?.domains;
    const everywhere = [
      'reviews.default.svc.cluster.local',
      'reviews.default.svc.cluster.local:80',
      'reviews.default',
      'reviews.default:80',
      'reviews.default.svc',
      'reviews.default.svc:80',
      '10.0.0.7',
      '10.0.0.7:80',
      '[fd00::7]',
      '[fd00::7]:80',
      'reviews.default.svc.cluster.local.',
      'reviews.default.svc.cluster.local.:80',
    ];
    expect(domains(proxy({ namespace: 'shop' }))).toEqual(everywhere);
    expect(domains()).toEqual([...everywhere.slice(0, 2), 'reviews', 'reviews:80', ...everywhere.slice(2)]);
  });

  test('goes to its own destination, without a timeout, with the safe retries', () => {
    const world = compiledWorld();
    world.apply(reviews);
    expect(virtualHosts(world).get('reviews.default.svc.cluster.local:80')?.routes).toMatchObject([
      {
        name: 'default',
        match: { prefix: '/' },
        route: {
          cluster: cluster('reviews'),
          timeout: '0s',
          retryPolicy: {
            retryOn: 'connect-failure,refused-stream,unavailable,cancelled',
            numRetries: 2,
            retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
            hostSelectionRetryMaxAttempts: '5',
          },
        },
      },
    ]);
  });

  test('that is headless also has the names of its endpoints', () => {
    const world = compiledWorld();
    world.apply(service('db', { headless: true }));
    expect(virtualHosts(world).get('db.default.svc.cluster.local:80')?.domains).toContain(
      '*.db.default.svc.cluster.local',
    );
  });
});

test('each port has its own route configuration, and all of them change at once', () => {
  const world = compiledWorld();
  const ports = [80, 90].map((number) => ({ name: `p${number}`, number, protocol: 'http' as const }));
  const answer = (status: number) =>
    rule('VirtualService', 'r', { hosts: ['reviews'], http: [{ directResponse: { status } }] });
  world.apply(service('reviews', { ports }), answer(401));
  expect(world.names('route')).toEqual(['80', '90']);
  world.apply(answer(402));
  for (const port of ['80', '90']) {
    expect(virtualHosts(world, port).get(`reviews.default.svc.cluster.local:${port}`)?.routes).toMatchObject([
      { directResponse: { status: 402 } },
    ]);
  }
});

describe('requests to unknown hosts', () => {
  test('reach the endpoints of a headless service by address even if unknown hosts are rejected', () => {
    const world = compiledWorld();
    const nodes = service('nodes', { headless: true });
    const endpoints = [endpoint('10.1.0.1'), endpoint('fd00::1'), endpoint('10.1.0.3', { ports: { other: 1 } })];
    world.apply(nodes, endpointsOf(nodes, endpoints));
    const domains = (of = proxy()) => virtualHosts(world, '80', of).get(`${nodes.hostname}:80`)?.domains ?? [];
    expect(domains()).not.toContain('10.1.0.1');
    world.apply(rule('Sidecar', 'default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }));
    expect(domains()).toEqual(expect.arrayContaining(['10.1.0.1', '10.1.0.1:80', '[fd00::1]', '[fd00::1]:80']));
    expect(domains()).not.toContain('10.1.0.3');
    expect(domains(proxy({ interception: 'none' }))).not.toContain('10.1.0.1');
    world.apply(endpointsOf(nodes, []));
    expect(domains()).not.toContain('10.1.0.1');
  });

  test('go to their original destination, or are rejected with 502', () => {
    const world = compiledWorld();
    world.apply(reviews);
    expect([...virtualHosts(world).values()].at(-1)).toMatchObject({ name: 'allow_any', domains: ['*'] });
    world.apply(rule('Sidecar', 'default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }));
    expect([...virtualHosts(world).values()].at(-1)).toMatchObject({
      name: 'block_all',
      domains: ['*'],
      routes: [{ directResponse: { status: 502 } }],
    });
  });
});

describe('the routes of a VirtualService', () => {
  for (const { name, match, want } of [
    { name: 'exact path', match: { uri: { exact: '/a' } }, want: { path: '/a' } },
    { name: 'prefix', match: { uri: { prefix: '/a' } }, want: { prefix: '/a' } },
    { name: 'regex', match: { uri: { regex: '/a.*' } }, want: { safeRegex: { regex: '/a.*' } } },
    {
      name: 'any case',
      match: { uri: { prefix: '/a' }, ignoreUriCase: true },
      want: { prefix: '/a', caseSensitive: false },
    },
    {
      name: 'method',
      match: { method: { exact: 'GET' } },
      want: { prefix: '/', headers: [{ name: ':method', stringMatch: { exact: 'GET' } }] },
    },
    {
      name: 'headers, with and without',
      match: { headers: { user: { exact: 'me' }, beta: {} }, withoutHeaders: { old: { prefix: 'x' } } },
      want: {
        prefix: '/',
        headers: [
          { name: 'beta', presentMatch: true },
          { name: 'user', stringMatch: { exact: 'me' } },
          { name: 'old', stringMatch: { prefix: 'x' }, invertMatch: true, treatMissingHeaderAsEmpty: true },
        ],
      },
    },
    {
      name: 'query parameters',
      match: { queryParams: { q: { regex: '\\d+' } } },
      want: { prefix: '/', queryParameters: [{ name: 'q', stringMatch: { safeRegex: { regex: '\\d+' } } }] },
    },
  ]) {
    test(`match by ${name}`, () => {
      const [first] = routesOf({ http: [{ match: [match], route: [to('ratings')] }] });
      expect(first?.match).toEqual(want);
    });
  }

  for (const { name, http, want } of [
    {
      name: 'weights',
      http: { route: [to('reviews', { weight: 99 }), to('ratings', { weight: 1 })] },
      want: {
        route: {
          weightedClusters: {
            clusters: [
              { name: cluster('reviews'), weight: 99 },
              { name: cluster('ratings'), weight: 1 },
            ],
          },
        },
      },
    },
    { name: 'a timeout', http: { route: [to('ratings')], timeout: '1.5s' }, want: { route: { timeout: '1.500s' } } },
    {
      name: 'retries, status codes among the conditions',
      http: { route: [to('ratings')], retries: { attempts: 3, perTryTimeout: '2s', retryOn: '5xx,503' } },
      want: {
        route: {
          retryPolicy: {
            retryOn: '5xx,retriable-status-codes',
            retriableStatusCodes: [503],
            numRetries: 3,
            perTryTimeout: '2s',
          },
        },
      },
    },
    {
      name: 'rewriting',
      http: { match: [{ uri: { prefix: '/a' } }], route: [to('ratings')], rewrite: { uri: '/b', authority: 'r' } },
      want: { route: { prefixRewrite: '/b', hostRewriteLiteral: 'r' } },
    },
    {
      name: 'a redirect',
      http: { redirect: { uri: '/new', authority: 'other', redirectCode: 302 } },
      want: { redirect: { responseCode: 'FOUND', pathRedirect: '/new', hostRedirect: 'other' } },
    },
    {
      name: 'a redirect of a prefix',
      http: { match: [{ uri: { prefix: '/a' } }], redirect: { prefixRewrite: '/b' } },
      want: { redirect: { prefixRewrite: '/b' } },
    },
    {
      name: 'a timeout in several units',
      http: { route: [to('ratings')], timeout: '1m1.5s' },
      want: { route: { timeout: '61.500s' } },
    },
    {
      name: 'the host among the headers to set',
      http: { route: [to('ratings')], headers: { request: { set: { Host: 'r', a: '1' } } } },
      want: {
        route: { hostRewriteLiteral: 'r' },
        requestHeadersToAdd: [{ header: { key: 'a', value: '1' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
      },
    },
    {
      name: 'a mirror with its share in the older form',
      http: { route: [to('reviews')], mirror: { host: 'ratings' }, mirror_percent: 10 },
      want: {
        route: {
          requestMirrorPolicies: [
            {
              cluster: cluster('ratings'),
              runtimeFraction: { defaultValue: { numerator: 100_000, denominator: 'MILLION' } },
            },
          ],
        },
      },
    },
    {
      name: 'a direct response',
      http: { directResponse: { status: 418, body: { string: 'tea' } } },
      want: { directResponse: { status: 418, body: { inlineString: 'tea' } } },
    },
    {
      name: 'headers set, added, removed',
      http: {
        route: [to('ratings')],
        headers: { request: { set: { a: '1' }, remove: ['b'] }, response: { add: { c: '2' } } },
      },
      want: {
        requestHeadersToAdd: [{ header: { key: 'a', value: '1' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
        requestHeadersToRemove: ['b'],
        responseHeadersToAdd: [{ header: { key: 'c', value: '2' } }],
      },
    },
    {
      name: 'a mirror',
      http: { route: [to('reviews')], mirror: { host: 'ratings' }, mirrorPercentage: { value: 0.5 } },
      want: {
        route: {
          requestMirrorPolicies: [
            {
              cluster: cluster('ratings'),
              runtimeFraction: { defaultValue: { numerator: 5_000, denominator: 'MILLION' } },
            },
          ],
        },
      },
    },
  ]) {
    test(`support ${name}`, () => expect(routesOf({ http: [http] })).toMatchObject([want]));
  }

  test('end with the first one that matches every request', () => {
    const routes = routesOf({
      http: [
        { name: 'one', match: [{ uri: { exact: '/1' } }, { uri: { exact: '/2' } }], route: [to('ratings')] },
        { name: 'all', route: [to('reviews')] },
        { name: 'never', route: [to('ratings')] },
      ],
    });
    expect(routes.map(({ name }) => name)).toEqual(['one', 'one', 'all']);
  });

  test('apply only to clients that match their source conditions', () => {
    const world = compiledWorld();
    const match = [{ sourceLabels: { app: 'web' } }];
    world.apply(
      reviews,
      ratings,
      rule('VirtualService', 'r', { hosts: ['reviews'], http: [{ match, route: [to('ratings')] }] }),
    );
    const goesTo = (of = proxy()) => virtualHosts(world, '80', of).get('reviews.default.svc.cluster.local:80')?.routes;
    expect(goesTo(proxy({ labels: { app: 'web' } }))).toMatchObject([{ route: { cluster: cluster('ratings') } }]);
    expect(goesTo(proxy({ labels: { app: 'job' } }))).toMatchObject([{ route: { cluster: cluster('reviews') } }]);
  });

  test('to a missing subset or host keep its name and are reported', () => {
    const world = compiledWorld();
    const route = [{ destination: { host: 'reviews', subset: 'v9' }, weight: 1 }, to('nobody', { weight: 1 })];
    world.apply(reviews, rule('VirtualService', 'r', { hosts: ['reviews'], http: [{ route }] }));
    expect(virtualHosts(world).get('reviews.default.svc.cluster.local:80')?.routes).toMatchObject([
      { route: { weightedClusters: { clusters: [{ name: cluster('reviews', 'v9') }, { name: cluster('nobody') }] } } },
    ]);
    expect(world.problems()).toEqual({
      'VirtualService/default/r': [
        'spec.http[0].route[0].destination: reviews.default.svc.cluster.local has no subset v9',
        'spec.http[0].route[1].destination: there is no service nobody.default.svc.cluster.local',
      ],
    });
  });
});
