import { describe, expect, test } from 'vitest';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

type World = ReturnType<typeof compiledWorld>;

const a = service('a');
const heavy = service('heavy.depot.svc.cluster.local');
const to = (host: string, rest: object = {}) => [{ destination: { host }, ...rest }];
const root = (http: readonly object[], age = 0) => rule('VirtualService', 'root', { hosts: ['a'], http }, age);
const team = (http: readonly object[], rest: object = {}) => rule('VirtualService', 'depot/team', { http, ...rest });
const delegate = { name: 'team', namespace: 'depot' };

function routes(world: World, of = proxy()): readonly Record<string, unknown>[] {
  const { virtualHosts } = world.json('route', '80', of) as {
    virtualHosts: { name: string; routes: Record<string, unknown>[] }[]; // its schema
  };
  return virtualHosts.find(({ name }) => name === 'a.default.svc.cluster.local:80')?.routes ?? [];
}

const summary = (world: World, of = proxy()) =>
  routes(world, of).map(({ name, match, route }) => ({ name, match, cluster: (route as { cluster: string }).cluster }));

const toHeavy = 'outbound|80||heavy.depot.svc.cluster.local';
const toA = 'outbound|80||a.default.svc.cluster.local';

describe('a delegate', () => {
  test('replaces the route that names it; its hosts belong to its own namespace', () => {
    const world = compiledWorld();
    world.apply(
      a,
      heavy,
      root([{ name: 'team', match: [{ uri: { prefix: '/heavy' } }], delegate }, { route: to('a') }]),
      team([
        { name: 'steel', match: [{ uri: { prefix: '/heavy/steel' } }], route: to('heavy') },
        { route: to('heavy') },
      ]),
    );
    expect(summary(world)).toEqual([
      { name: 'team-steel', match: { prefix: '/heavy/steel' }, cluster: toHeavy },
      { name: 'team', match: { prefix: '/heavy' }, cluster: toHeavy },
      { name: undefined, match: { prefix: '/' }, cluster: toA },
    ]);
    expect(world.problems()).toEqual({});
  });

  test('combines its matches with each match of the root that contains them', () => {
    const world = compiledWorld();
    world.apply(
      a,
      heavy,
      root([
        {
          match: [
            { name: 'x', uri: { prefix: '/' }, headers: { lane: { exact: 'left' } }, withoutHeaders: { old: {} } },
            { uri: { exact: '/only' }, method: { exact: 'GET' } },
          ],
          delegate,
        },
      ]),
      team([
        { match: [{ name: 'y', uri: { exact: '/only' }, queryParams: { q: { exact: '1' } } }], route: to('heavy') },
      ]),
    );
    expect(summary(world).map(({ name, match }) => ({ name, match }))).toEqual([
      {
        name: 'x-y',
        match: {
          path: '/only',
          headers: [
            { name: 'lane', stringMatch: { exact: 'left' } },
            { name: 'old', presentMatch: true, invertMatch: true },
          ],
          queryParameters: [{ name: 'q', stringMatch: { exact: '1' } }],
        },
      },
      {
        name: 'y',
        match: {
          path: '/only',
          headers: [{ name: ':method', stringMatch: { exact: 'GET' } }],
          queryParameters: [{ name: 'q', stringMatch: { exact: '1' } }],
        },
      },
    ]);
  });

  for (const { name, outer, own } of [
    { name: 'another prefix', outer: { uri: { prefix: '/heavy' } }, own: { uri: { prefix: '/light' } } },
    { name: 'a shorter prefix', outer: { uri: { prefix: '/heavy' } }, own: { uri: { prefix: '/he' } } },
    { name: 'a prefix of an exact path', outer: { uri: { exact: '/heavy' } }, own: { uri: { prefix: '/heavy' } } },
    { name: 'an expression within a prefix', outer: { uri: { prefix: '/a' } }, own: { uri: { regex: '/a.*' } } },
    { name: 'another expression', outer: { uri: { regex: '/a.*' } }, own: { uri: { regex: '/a/b.*' } } },
    {
      name: 'another header value',
      outer: { headers: { x: { exact: '1' } } },
      own: { headers: { x: { exact: '2' } } },
    },
    { name: 'any value of a header', outer: { headers: { x: { exact: '1' } } }, own: { headers: { x: {} } } },
    {
      name: 'fewer excluded values',
      outer: { withoutHeaders: { x: { prefix: 'a' } } },
      own: { withoutHeaders: { x: { exact: 'ab' } } },
    },
    { name: 'another port', outer: { port: 80 }, own: { port: 81 } },
    { name: 'another case', outer: { uri: { prefix: '/a' }, ignoreUriCase: true }, own: { uri: { prefix: '/a/b' } } },
    { name: 'another namespace', outer: { sourceNamespace: 'default' }, own: { sourceNamespace: 'shop' } },
    { name: 'another label', outer: { sourceLabels: { app: 'a' } }, own: { sourceLabels: { app: 'b' } } },
    { name: 'another gateway', outer: { gateways: ['mesh'] }, own: { gateways: ['mesh', 'edge'] } },
  ]) {
    test(`with ${name} than its root loses the route, and is told`, () => {
      const world = compiledWorld();
      world.apply(
        a,
        heavy,
        root([{ match: [outer], delegate }, { route: to('a') }]),
        team([{ name: 'lost', match: [own], route: to('heavy') }]),
      );
      const of = proxy({ labels: { app: 'a' } });
      expect(summary(world, of)).toEqual([{ name: undefined, match: { prefix: '/' }, cluster: toA }]);
      expect(world.problems()).toEqual({
        'VirtualService/depot/team': [
          'spec.http[0]: no part of spec.http[0] of VirtualService default/root: it has no effect there',
        ],
      });
    });
  }

  test('inherits what it does not set', () => {
    const world = compiledWorld();
    const fault = { abort: { httpStatus: 503, percentage: { value: 1 } } };
    world.apply(
      a,
      heavy,
      root([
        {
          delegate,
          timeout: '4s',
          retries: { attempts: 7 },
          rewrite: { uri: '/new' },
          fault,
          mirror: { host: 'a' },
          mirrorPercentage: { value: 50 },
          corsPolicy: { allowOrigin: ['*'] },
          headers: { request: { set: { 'x-a': '1' } } },
        },
      ]),
      team([{ route: to('heavy') }, { match: [{ uri: { prefix: '/x' } }], route: to('heavy'), timeout: '2s' }]),
    );
    expect(routes(world)[0]).toMatchObject({
      route: {
        cluster: toHeavy,
        timeout: '4s',
        prefixRewrite: '/new',
        retryPolicy: { numRetries: 7 },
        requestMirrorPolicies: [{ cluster: toA }],
      },
      requestHeadersToAdd: [{ header: { key: 'x-a' } }],
      typedPerFilterConfig: { 'envoy.filters.http.fault': {}, 'envoy.filters.http.cors': {} },
    });
    world.apply(team([{ route: to('heavy'), timeout: '2s', mirror: { host: 'heavy' } }]));
    expect(routes(world)[0]).toMatchObject({
      route: { timeout: '2s', requestMirrorPolicies: [{ cluster: toHeavy }], retryPolicy: { numRetries: 7 } },
    });
  });

  test('is followed: the host is compiled again when it appears, changes and disappears', () => {
    const world = compiledWorld();
    world.apply(a, heavy, root([{ match: [{ uri: { prefix: '/x' } }], delegate }, { route: to('a') }]));
    expect(summary(world)).toHaveLength(1);
    expect(world.problems()).toEqual({
      'VirtualService/default/root': ['spec.http[0].delegate: there is no VirtualService depot/team'],
    });
    world.apply(team([{ name: 'one', route: to('heavy') }]));
    expect(summary(world)[0]).toMatchObject({ name: 'one', match: { prefix: '/x' } });
    world.apply(team([{ name: 'two', route: to('heavy') }]));
    expect(summary(world)[0]).toMatchObject({ name: 'two' });
    world.apply({ type: 'rule-removed', id: 'VirtualService/depot/team' as never }); // an id of this form
    expect(summary(world)).toHaveLength(1);
  });

  test('contributes to the virtual host, so that its rejections are traced to it', () => {
    const world = compiledWorld();
    world.apply(a, heavy, root([{ delegate }]), team([{ route: to('heavy') }]));
    world.names('route');
    const contributions = [...world.compiler.contributionsOf('VirtualService/depot/team')];
    expect(contributions).toMatchObject([{ type: 'route', name: '80', part: 'a.default.svc.cluster.local:80' }]);
  });

  test('reports missing destinations to the object that names them', () => {
    const world = compiledWorld();
    world.apply(a, root([{ delegate, mirror: { host: 'ghost' } }]), team([{ route: to('ghost') }]));
    world.names('route');
    expect(world.problems()).toEqual({
      'VirtualService/default/root': ['spec.http[0].mirror: there is no service ghost.default.svc.cluster.local'],
      'VirtualService/depot/team': [
        'spec.http[0].route[0].destination: there is no service ghost.depot.svc.cluster.local',
      ],
    });
  });

  for (const { name, exportTo, isUsed } of [
    { name: 'its own namespace', exportTo: ['.'], isUsed: false },
    { name: "the root's namespace", exportTo: ['default'], isUsed: true },
    { name: 'every namespace', exportTo: ['*'], isUsed: true },
  ]) {
    test(`exported to ${name} is ${isUsed ? '' : 'not '}used by the root, for clients of any namespace`, () => {
      const world = compiledWorld();
      world.apply(a, heavy, root([{ delegate }]), team([{ name: 'd', route: to('heavy') }], { exportTo }));
      for (const of of [proxy(), proxy({ namespace: 'depot' }), proxy({ namespace: 'other' })]) {
        expect(summary(world, of)[0]?.name).toBe(isUsed ? 'd' : 'default');
      }
      expect(Object.values(world.problems()).flat()).toEqual(
        isUsed ? [] : ['spec.http[0].delegate: VirtualService depot/team is not exported to default'],
      );
    });
  }

  test('must have no hosts', () => {
    const world = compiledWorld();
    world.apply(a, heavy, root([{ delegate }]), team([{ route: to('heavy') }], { hosts: ['heavy'] }));
    world.names('route');
    expect(world.problems()).toEqual({
      'VirtualService/default/root': [
        'spec.http[0].delegate: VirtualService depot/team has hosts, so it is no delegate',
      ],
    });
  });
});
