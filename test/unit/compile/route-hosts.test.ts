import { describe, expect, test } from 'vitest';
import { endpoint } from '../../support/model.ts';
import { ruleIdOf } from '../../support/rules.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

type Json = Record<string, unknown>;
interface VirtualHostJson {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly Json[];
}

const reviews = service('reviews');
const ratings = service('ratings', { createdAtMs: 2_000 });

/** Returns the virtual hosts of a client's route configuration, by name. */
function virtualHosts(world: ReturnType<typeof compiledWorld>, port = '80', of = proxy()) {
  const { virtualHosts: hosts } = world.json('route', port, of) as unknown as { virtualHosts: VirtualHostJson[] }; // its schema
  return new Map(hosts.map((host) => [host.name, host]));
}

const to = (host: string, rest: object = {}) => ({ destination: { host }, ...rest });
const cluster = (host: string, subset = '') => `outbound|80|${subset}|${host}.default.svc.cluster.local`;

describe('the hosts of a VirtualService', () => {
  test('that are addresses are answered as clients write them, in any spelling of theirs', () => {
    const world = compiledWorld();
    const http = [{ redirect: { uri: '/' } }];
    world.apply(rule('VirtualService', 'six', { hosts: ['FD00:0::1'], http }));
    world.apply(rule('VirtualService', 'six-again', { hosts: ['[fd00::1]'], http }, 1));
    expect(virtualHosts(world).get('[fd00::1]:80')?.domains).toEqual(['[fd00::1]', '[fd00::1]:80']);
    expect(world.problems()).toEqual({
      'VirtualService/default/six-again': ['not used for [fd00::1]: VirtualService/default/six comes first'],
    });
  });

  test('that are no service are answered on port 80', () => {
    const world = compiledWorld();
    world.apply(
      reviews,
      rule('VirtualService', 'r', { hosts: ['shop.example.com'], http: [{ route: [to('reviews')] }] }),
    );
    expect(virtualHosts(world).get('shop.example.com:80')).toMatchObject({
      domains: ['shop.example.com', 'shop.example.com:80'],
      routes: [{ route: { cluster: cluster('reviews') } }],
    });
  });

  test('may be wildcards: the most specific one counts, and gives way to the name itself', () => {
    const world = compiledWorld();
    const answer = (name: string, host: string, status: number) =>
      rule('VirtualService', name, { hosts: [host], http: [{ directResponse: { status } }] });
    const status = () => virtualHosts(world).get('reviews.default.svc.cluster.local:80')?.routes;
    world.apply(reviews, answer('far', '*.cluster.local', 401), answer('near', '*.default.svc.cluster.local', 402));
    expect(status()).toMatchObject([{ directResponse: { status: 402 } }]);
    world.apply(answer('own', 'reviews', 403));
    expect(status()).toMatchObject([{ directResponse: { status: 403 } }]);
    world.apply({ type: 'rule-removed', id: ruleIdOf('VirtualService/default/own') });
    expect(status()).toMatchObject([{ directResponse: { status: 402 } }]);
  });

  test('belong to the oldest of several objects, and the others are told', () => {
    const world = compiledWorld();
    const answer = (name: string, status: number, age: number) =>
      rule('VirtualService', name, { hosts: ['reviews'], http: [{ directResponse: { status } }] }, age);
    world.apply(reviews, answer('young', 401, 2), answer('old', 402, 1));
    expect(virtualHosts(world).get('reviews.default.svc.cluster.local:80')?.routes).toMatchObject([
      { directResponse: { status: 402 } },
    ]);
    expect(world.problems()).toEqual({
      'VirtualService/default/young': [
        'not used for reviews.default.svc.cluster.local: VirtualService/default/old comes first',
      ],
    });
  });

  test('are ruled by an object that is private to the namespace before a public one, which is no conflict', () => {
    const world = compiledWorld();
    const answer = (name: string, status: number, exportTo: string[]) =>
      rule('VirtualService', name, {
        hosts: ['reviews.default.svc.cluster.local'],
        http: [{ directResponse: { status } }],
        exportTo,
      });
    world.apply(reviews, answer('default/public', 401, ['*']), answer('shop/private', 402, ['.']));
    const status = (namespace: string) =>
      virtualHosts(world, '80', proxy({ namespace })).get('reviews.default.svc.cluster.local:80')?.routes;
    expect(status('shop')).toMatchObject([{ directResponse: { status: 402 } }]);
    expect(status('default')).toMatchObject([{ directResponse: { status: 401 } }]);
    expect(world.problems()).toEqual({});
  });
});

describe('a domain of several services or rules', () => {
  test('goes to the oldest, and back when that one is gone', () => {
    const world = compiledWorld();
    const [old, young] = ['old', 'young'].map((name, index) =>
      service(`${name}.example.com`, { vips: ['10.0.0.1'], createdAtMs: index, namespace: 'default' }),
    );
    if (old === undefined || young === undefined) throw new Error('two services were made');
    world.apply(old, young);
    const domains = (name: string) => virtualHosts(world).get(`${name}.example.com:80`)?.domains;
    expect(domains('young')).toEqual([
      'young.example.com',
      'young.example.com:80',
      'young.example.com.',
      'young.example.com.:80',
    ]);
    expect(domains('old')).toContain('10.0.0.1');
    world.apply({ type: 'service-removed', key: 'default/old.example.com' as never }); // the key of the service above
    expect(domains('young')).toContain('10.0.0.1');
  });

  test('goes to the service of that name before an older one with such an alias', () => {
    const world = compiledWorld();
    world.apply(
      service('reviews', { createdAtMs: 2 }),
      service('old.example.com', { createdAtMs: 1, aliases: [reviews.hostname] }),
    );
    expect(virtualHosts(world).get('reviews.default.svc.cluster.local:80')?.domains).toContain(reviews.hostname);
    expect(virtualHosts(world).get('old.example.com:80')?.domains).not.toContain(reviews.hostname);
  });
});

test('one host with content that does not fit keeps its last good routes; others are not affected', () => {
  const world = compiledWorld();
  const timeout = (text: string) => {
    const http = [{ route: [to('reviews')], timeout: '1s' }];
    const valid = rule('VirtualService', 'r', { hosts: ['reviews'], http });
    return { ...valid, spec: { hosts: ['reviews'], http: http.map((it) => ({ ...it, timeout: text })) } }; // not checked
  };
  world.apply(reviews, endpointsOf(reviews, [endpoint('10.0.0.1')]), timeout('1s'));
  const routes = () => virtualHosts(world).get('reviews.default.svc.cluster.local:80')?.routes;
  world.layers();
  world.apply();
  world.apply(timeout('9999999999999h'), ratings);
  expect(routes()).toMatchObject([{ route: { timeout: '1s' } }]);
  expect(virtualHosts(world).has('ratings.default.svc.cluster.local:80')).toBe(true);
  expect(Object.keys(world.problems())).toContain('VirtualService/default/r');
  world.apply(timeout('2s'));
  expect(routes()).toMatchObject([{ route: { timeout: '2s' } }]);
  expect(world.problems()).toEqual({});
});
