import { describe, expect, test } from 'vitest';
import type { LayerKey } from '../../../src/compile/contract.ts';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

/* What the golden files grpc-*.yaml do not show: shared names, other scopes, what changes. */

const grpc = proxy({ client: 'grpc' });
const cart = service('cart', { ports: [{ name: 'grpc', number: 80, protocol: 'grpc' }] });
const host = cart.hostname;

test('every resource of a gRPC client comes from a service, rule or endpoint', () => {
  const world = compiledWorld();
  world.apply();
  for (const type of ['cluster', 'endpoint', 'listener', 'route'] as const) {
    expect([...world.table(type, grpc).keys()]).toEqual([]);
  }
});

describe('targets of one name', () => {
  const target = 'cart.shop:80';
  const routesOf = (world: ReturnType<typeof compiledWorld>) => {
    const json = JSON.stringify(world.json('listener', target, grpc));
    return /"routeConfigName":"([^"]*)"/.exec(json)?.[1];
  };
  const short = service('cart.shop.svc.cluster.local', { createdAtMs: 1 });
  const own = service('cart.shop', { createdAtMs: 2 });

  test('belong to the service of that name, even if it is younger; the alias returns when it is removed', () => {
    const world = compiledWorld();
    world.apply(short, own);
    expect(routesOf(world)).toBe('cart.shop:80');
    world.apply({ type: 'service-removed', key: `${own.namespace}/${own.hostname}` as never });
    expect(routesOf(world)).toBe('cart.shop.svc.cluster.local:80');
    expect(world.problems()).toEqual({});
  });

  test('belong to the oldest service with that alias, without a report', () => {
    const world = compiledWorld();
    const aliases = [own.hostname];
    world.apply(service('young.test', { createdAtMs: 4, aliases }), service('old.test', { createdAtMs: 3, aliases }));
    expect(routesOf(world)).toBe('old.test:80');
    expect(world.problems()).toEqual({});
  });
});

describe('beside Envoys', () => {
  test('gRPC clients add work to a change only while one is connected', () => {
    const world = compiledWorld();
    world.apply(cart);
    world.table('cluster');
    const move = (address: string) => world.apply(endpointsOf(cart, [endpoint(address)])).work.assembled;
    expect(move('10.0.0.1')).toBe(1);
    world.table('cluster', grpc);
    expect(move('10.0.0.2')).toBe(2);
    for (const layer of world.layers(grpc)) world.close(layer);
    expect(move('10.0.0.3')).toBe(1);
  });

  test('they have a separate scope: neither gets the configuration of the other', () => {
    const world = compiledWorld();
    world.apply(cart);
    expect(world.names('listener')).toContain('virtualOutbound');
    expect(world.names('listener', grpc)).toEqual(
      [host, `${host}:80`, 'cart.default.svc:80', 'cart.default:80', 'cart:80'].sort(),
    );
    expect(world.layers(grpc).filter((layer) => world.layers().includes(layer))).toEqual([]);
  });

  test('they share a scope, regardless of addresses and interception', () => {
    const world = compiledWorld();
    const other = proxy({ client: 'grpc', addresses: ['fd00::1'], interception: 'none' });
    expect(world.layers(other)).toEqual(world.layers(grpc));
  });
});

test('a service resolved by DNS without a name to resolve cannot be called', () => {
  const world = compiledWorld();
  world.apply(service('*.wild.test', { resolution: 'dns' }), service('named.test', { resolution: 'dns' }));
  expect(world.names('cluster', grpc)).toEqual(['outbound|80||named.test']);
});

describe('a gRPC server', () => {
  const server = proxy({ client: 'grpc', addresses: ['10.0.0.1'] });
  const names = (port: number) =>
    ['0.0.0.0', '127.0.0.1', '[::]'].map((it) => `grpc/server?xds.resource.listening_address=${it}:${port}`);

  test('may serve on the ports that it is registered with', () => {
    const world = compiledWorld();
    world.apply(cart, endpointsOf(cart, [endpoint('10.0.0.1', { ports: { grpc: 9090 } })]));
    const [, inbound] = world.layers(server);
    expect(world.names('listener', server).filter((name) => name.includes('?'))).toEqual(names(9090));
    expect(world.json('listener', names(9090)[2] ?? '', server)).toMatchObject({
      address: { socketAddress: { address: '::', portValue: 9090 } },
      filterChains: [{ filters: [{ typedConfig: { routeConfig: { virtualHosts: [{ domains: ['*'] }] } } }] }],
    });
    const made = [...world.compiler.contributionsOf(`service/default/${host}`)].filter((it) => it.layer === inbound);
    expect(made.map(({ type, name }) => `${type} ${name}`).sort()).toEqual(names(9090).map((it) => `listener ${it}`));
    const parts = (name = '') => [...world.compiler.partsOf(inbound ?? ('' as LayerKey), 'listener', name)];
    expect(parts(names(9090)[0])).toEqual([{ part: '', origins: [`service/default/${host}`], since: 0 }]);
    expect(parts(names(1)[0])).toEqual([]);
  });

  test('shares a layer with all servers of equal ports', () => {
    const world = compiledWorld();
    const both = ['10.0.0.1', '10.0.0.2'].map((it) => endpoint(it, { ports: { grpc: 9090 } }));
    world.apply(cart, endpointsOf(cart, both));
    expect(world.layers(proxy({ client: 'grpc', addresses: ['10.0.0.2'] }))).toEqual(world.layers(server));
  });
});

describe('an assignment for gRPC clients', () => {
  const cluster = `outbound|80||${host}`;
  const told = (...endpoints: readonly ReturnType<typeof endpoint>[]) => {
    const world = compiledWorld();
    world.apply(cart, endpointsOf(cart, endpoints));
    return world.json('endpoint', cluster, grpc);
  };
  const one = (address: string, weight: number, locality: object) => ({
    locality,
    lbEndpoints: [
      { endpoint: { address: { socketAddress: { address, portValue: 8080 } } }, loadBalancingWeight: weight },
    ],
    loadBalancingWeight: weight,
  });

  test('has an address once that the registry has for several ports, because gRPC rejects duplicates', () => {
    const twice = (locality: string, weight: number, admin: number) =>
      endpoint('10.0.0.1', { ports: { grpc: 8080, admin }, locality, weight });
    const want = { clusterName: cluster, endpoints: [one('10.0.0.1', 5, { region: 'a' })] };
    expect(told(twice('b', 9, 1), twice('a', 2, 2), twice('a', 5, 3))).toEqual(want);
    expect(told(twice('a', 5, 3), twice('a', 2, 2), twice('b', 9, 1))).toEqual(want);
  });

  test('does not mark draining endpoints, which gRPC would not call even without others', () => {
    const draining = endpoint('10.0.0.1', { ports: { grpc: 8080 }, health: 'draining' });
    expect(told(draining)).toEqual({ clusterName: cluster, endpoints: [one('10.0.0.1', 1, {})] });
  });
});

for (const { match, holds } of [
  { match: { method: { exact: 'POST' } }, holds: true },
  { match: { method: { exact: 'GET' } }, holds: false },
  { match: { method: { prefix: 'PO' } }, holds: true },
  { match: { method: { prefix: 'post' } }, holds: false },
  { match: { method: {} }, holds: true },
  { match: { withoutHeaders: { ':method': { exact: 'GET' } } }, holds: true },
  { match: { withoutHeaders: { ':method': {} } }, holds: false },
]) {
  test(`a route for ${JSON.stringify(match)} is ${holds ? 'one for every call' : 'omitted without a report'}`, () => {
    const world = compiledWorld();
    world.apply(
      cart,
      rule('VirtualService', 'cart', {
        hosts: [host],
        http: [
          { match: [match], route: [{ destination: { host } }], name: 'chosen' },
          { name: 'rest', route: [{ destination: { host } }] },
        ],
      }),
    );
    const names = holds ? [{ name: 'chosen', match: { prefix: '/' } }, { name: 'rest' }] : [{ name: 'rest' }];
    expect(world.json('route', `${host}:80`, grpc)).toMatchObject({ virtualHosts: [{ routes: names }] });
    expect(world.problems()).toEqual({});
  });
}
