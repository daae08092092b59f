import { describe, expect, it } from 'vitest';
import type { RouteConfigurationJson, VirtualHostJson } from '../../../src/proto/json.ts';
import type { SimulatedCall } from '../../../src/simulator/call.ts';
import { simulate } from '../../../src/simulator/simulate.ts';
import { callTo, httpChain, httpManager, listenerOn, resources, tcpChain, tcpProxy } from '../../support/simulated.ts';

type RouteJson = NonNullable<VirtualHostJson['routes']>[number];
type MatchJson = NonNullable<RouteJson['match']>;

const respond: RouteJson = { match: { prefix: '/' }, directResponse: { status: 200 } };
const hostOf = (...domains: string[]): VirtualHostJson => ({ name: domains.join(), domains, routes: [respond] });

const throughHosts = (virtualHosts: VirtualHostJson[], call: Partial<SimulatedCall>) =>
  simulate(resources({ listeners: [listenerOn('0.0.0.0', 80, [httpChain(virtualHosts)])] }), callTo(call));

describe('the virtual host of a request', () => {
  const hosts = [
    hostOf('*'),
    hostOf('www.*'),
    hostOf('www.shop.*'),
    hostOf('*.example'),
    hostOf('*.shop.example'),
    hostOf('www.shop.example'),
    hostOf('[fd00::1]'),
  ];

  for (const { host, want } of [
    { host: 'www.shop.example', want: 'www.shop.example' },
    { host: 'WWW.shop.example:8080', want: 'www.shop.example' },
    { host: 'a.shop.example', want: '*.shop.example' },
    { host: 'www.example', want: '*.example' },
    { host: 'www.shop.test', want: 'www.shop.*' },
    { host: 'www.test', want: 'www.*' },
    { host: '.shop.example', want: '*.example' },
    { host: '[fd00::1]:80', want: '[fd00::1]' },
    { host: 'nobody', want: '*' },
  ]) {
    it(`is ${want} for ${host}`, () => {
      expect(throughHosts(hosts, { host }).virtualHost).toBe(want);
    });
  }

  it('does not exist without a domain of the host', () => {
    expect(throughHosts([hostOf('shop')], { host: 'other' }).outcome).toMatchObject({ error: 'no-virtual-host' });
  });

  it('compares the port unless the route configuration ignores it', () => {
    const routeConfig: RouteConfigurationJson = { name: 'strict', virtualHosts: [hostOf('shop'), hostOf('shop:80')] };
    const chain = { filters: [{ name: 'http', typedConfig: httpManager({ routeConfig }) }] };
    const listeners = [listenerOn('0.0.0.0', 80, [chain])];

    expect(simulate(resources({ listeners }), callTo({ host: 'shop:80' })).virtualHost).toBe('shop:80');
  });

  it('can redirect all plain HTTP to https', () => {
    const answer = throughHosts([{ ...hostOf('*'), requireTls: 'ALL' }], {});

    expect(answer.outcome).toMatchObject({ error: 'tls-redirect' });
  });
});

it('a chain can name its route configuration', () => {
  const chain = { filters: [{ name: 'http', typedConfig: httpManager({ rds: { routeConfigName: '80' } }) }] };
  const listeners = [listenerOn('0.0.0.0', 80, [chain])];

  const answer = simulate(resources({ listeners, routes: [{ name: '80', virtualHosts: [hostOf('*')] }] }), callTo());
  expect(answer).toMatchObject({ routeConfiguration: '80', virtualHost: '*', routeIndex: 0 });
  expect(simulate(resources({ listeners }), callTo()).outcome).toMatchObject({ error: 'no-virtual-host' });
});

describe('a route', () => {
  const accepts = (match: MatchJson, call: Partial<SimulatedCall>) =>
    throughHosts([{ name: 'any', domains: ['*'], routes: [{ ...respond, match }] }], call).outcome.type === 'respond';

  for (const { title, match, yes, no } of [
    { title: 'of a path ignores the query', match: { path: '/a' }, yes: { path: '/a?b' }, no: { path: '/a/' } },
    { title: 'of a prefix', match: { prefix: '/a' }, yes: { path: '/ab' }, no: { path: '/b/a' } },
    {
      title: 'can ignore case',
      match: { prefix: '/A', caseSensitive: false },
      yes: { path: '/aB' },
      no: { path: '/b' },
    },
    {
      title: 'of whole segments',
      match: { pathSeparatedPrefix: '/a' },
      yes: { path: '/a/b' },
      no: { path: '/ab' },
    },
    {
      title: 'of an expression for the whole path without the query',
      match: { safeRegex: { regex: '/a[0-9]' } },
      yes: { path: '/a1?x=2' },
      no: { path: '/a12' },
    },
    {
      title: 'of a method',
      match: { prefix: '/', headers: [{ name: ':method', stringMatch: { exact: 'POST' } }] },
      yes: { method: 'POST' },
      no: { method: 'GET' },
    },
    {
      title: 'of a header',
      match: { prefix: '/', headers: [{ name: 'X-Tier', stringMatch: { prefix: 'g' } }] },
      yes: { headers: new Map([['x-tier', 'gold']]) },
      no: {},
    },
    {
      title: 'without a header',
      match: { prefix: '/', headers: [{ name: 'x-tier', presentMatch: true, invertMatch: true }] },
      yes: {},
      no: { headers: new Map([['x-tier', '']]) },
    },
    {
      title: 'of another value than this, or none',
      match: {
        prefix: '/',
        headers: [
          { name: 'x-tier', stringMatch: { exact: 'gold' }, invertMatch: true, treatMissingHeaderAsEmpty: true },
        ],
      },
      yes: {},
      no: { headers: new Map([['x-tier', 'gold']]) },
    },
    {
      title: 'of another value than this needs the header, unless told otherwise',
      match: { prefix: '/', headers: [{ name: 'x-tier', stringMatch: { exact: 'gold' }, invertMatch: true }] },
      yes: { headers: new Map([['x-tier', 'tin']]) },
      no: {},
    },
    {
      title: 'of a query parameter',
      match: { prefix: '/', queryParameters: [{ name: 'v', stringMatch: { exact: '2' } }] },
      yes: { path: '/?u=1&v=2' },
      no: { path: '/?v=22' },
    },
    {
      title: 'of gRPC',
      match: { prefix: '/', grpc: {} },
      yes: { headers: new Map([['content-type', 'application/grpc+proto']]) },
      no: { headers: new Map([['content-type', 'application/grpc-web']]) },
    },
  ] satisfies readonly { title: string; match: MatchJson; yes: Partial<SimulatedCall>; no: Partial<SimulatedCall> }[]) {
    it(title, () => {
      expect([accepts(match, yes), accepts(match, no)]).toEqual([true, false]);
    });
  }

  it('comes before later ones', () => {
    const routes = [{ ...respond, match: { path: '/a' }, name: 'first' }, respond, { ...respond, name: 'last' }];
    const answer = (path: string) => throughHosts([{ name: 'any', domains: ['*'], routes }], { path });

    expect(answer('/a')).toMatchObject({ route: 'first', routeIndex: 0 });
    expect(answer('/b')).toMatchObject({ route: '', routeIndex: 1 });
  });
});

describe('the outcome of a route', () => {
  const outcomeOf = (route: RouteJson, call: Partial<SimulatedCall> = {}) =>
    throughHosts([{ name: 'any', domains: ['*'], routes: [{ match: { prefix: '/' }, ...route }] }], call).outcome;

  it('is its cluster, which may be missing', () => {
    expect(outcomeOf({ route: { cluster: 'shop' } })).toEqual({
      type: 'forward',
      clusters: [{ name: 'shop', weight: 1, exists: false }],
    });
  });

  it('is its weighted clusters', () => {
    const clusters = [
      { name: 'v1', weight: 90 },
      { name: 'v2', weight: 10 },
    ];

    expect(outcomeOf({ route: { weightedClusters: { clusters } } })).toMatchObject({ clusters });
  });

  it('is a redirect with its location', () => {
    expect(
      outcomeOf({ redirect: { httpsRedirect: true, responseCode: 'PERMANENT_REDIRECT' } }, { path: '/a' }),
    ).toEqual({ type: 'redirect', status: 308, location: 'https://shop/a' });
    expect(outcomeOf({ redirect: { hostRedirect: 'new' } })).toEqual({
      type: 'redirect',
      status: 301,
      location: 'http://new/',
    });
  });

  it('is an answer of the proxy', () => {
    expect(outcomeOf({ directResponse: { status: 418 } })).toEqual({ type: 'respond', status: 418 });
  });
});

it('a TCP chain forwards to weighted clusters', () => {
  const clusters = [
    { name: 'v1', weight: 3 },
    { name: 'v2', weight: 1 },
  ];
  const chain = {
    ...tcpChain('any'),
    filters: [{ name: 'tcp', typedConfig: tcpProxy({ weightedClusters: { clusters } }) }],
  };

  const answer = simulate(
    resources({ listeners: [listenerOn('0.0.0.0', 80, [chain])], clusters: [{ name: 'v1' }] }),
    callTo(),
  );

  expect(answer.outcome).toEqual({
    type: 'forward',
    clusters: [
      { name: 'v1', weight: 3, exists: true },
      { name: 'v2', weight: 1, exists: false },
    ],
  });
});
