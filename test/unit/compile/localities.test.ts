import { describe, expect, test } from 'vitest';
import type { WorldChange } from '../../../src/compile/contract.ts';
import type { Endpoint, EndpointSet } from '../../../src/model/endpoint.ts';
import type { Proxy } from '../../../src/model/proxy.ts';
import { meshConfigSchema } from '../../../src/rules/mesh-config.ts';
import type { Rule } from '../../../src/rules/rule.ts';
import { endpoint } from '../../support/model.ts';
import { type CompiledWorld, compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

const depth = service('depth');
const name = `outbound|80||${depth.hostname}`;
const outlierDetection = { consecutive5xxErrors: 5 };

const ruleWith = (trafficPolicy: object) => rule('DestinationRule', 'depth', { host: 'depth', trafficPolicy });
const balancing = (localityLbSetting: object, outlier: object | undefined = outlierDetection) =>
  ruleWith({ outlierDetection: outlier, loadBalancer: { localityLbSetting } });

const at = (localities: readonly string[], overrides: Partial<Endpoint> = {}) =>
  endpointsOf(
    depth,
    localities.map((locality, index) => endpoint(`10.0.0.${index + 1}`, { locality, ...overrides })),
  );

interface Locality {
  readonly locality?: { readonly region?: string; readonly zone?: string; readonly subZone?: string };
  readonly priority?: number;
  readonly loadBalancingWeight?: number;
  readonly lbEndpoints?: readonly { readonly endpoint: object }[];
}

/** The localities of the assignment of a client: `locality priority weight`. */
function seen(world: CompiledWorld, of: Partial<Proxy>): readonly string[] {
  const { endpoints = [] } = world.json('endpoint', name, proxy(of)) as { endpoints?: readonly Locality[] }; // its message
  return endpoints
    .map(({ locality = {}, priority = 0, loadBalancingWeight = 0 }) => {
      const text = [locality.region, locality.zone, locality.subZone].filter((part) => part !== undefined).join('/');
      return `${text} ${priority} ${loadBalancingWeight}`;
    })
    .sort();
}

function worldOf(...changes: readonly (EndpointSet | Rule | WorldChange)[]): CompiledWorld {
  const world = compiledWorld();
  world.apply(depth, ...changes);
  return world;
}

describe('endpoints with outlier detection', () => {
  const localities = ['north/a/a1', 'north/a/a2', 'north/b/b1', 'south/c/c1'];

  test('are called by locality: own subzone, zone, region, elsewhere', () => {
    const world = worldOf(at(localities), ruleWith({ outlierDetection }));
    expect(seen(world, { locality: 'north/a/a1' })).toEqual([
      'north/a/a1 0 1',
      'north/a/a2 1 1',
      'north/b/b1 2 1',
      'south/c/c1 3 1',
    ]);
    expect(seen(world, { locality: 'south/c' })).toEqual([
      'north/a/a1 1 1',
      'north/a/a2 1 1',
      'north/b/b1 1 1',
      'south/c/c1 0 1',
    ]);
  });

  test('have no order without it, where it is switched off, and for clients of an unknown place', () => {
    const flat = localities.map((locality) => `${locality} 0 1`);
    expect(seen(worldOf(at(localities)), { locality: 'north/a/a1' })).toEqual(flat);
    const off = worldOf(at(localities), balancing({ enabled: false }));
    expect(seen(off, { locality: 'north/a/a1' })).toEqual(flat);
    const mesh = meshConfigSchema.parse({ localityLbSetting: { enabled: false } });
    const offInMesh = worldOf(at(localities), ruleWith({ outlierDetection }), { type: 'mesh', mesh });
    expect(seen(offInMesh, { locality: 'north/a/a1' })).toEqual(flat);
    expect(seen(worldOf(at(localities), ruleWith({ outlierDetection })), {})).toEqual(flat);
  });

  test('of the named region come before those of others', () => {
    const world = worldOf(
      at(['north/a', 'south/c', 'west/d']),
      balancing({ failover: [{ from: 'north', to: 'west' }] }),
    );
    expect(seen(world, { locality: 'north/a' })).toEqual(['north/a 0 1', 'south/c 2 1', 'west/d 1 1']);
    expect(world.json('cluster', name).commonLbConfig).toMatchObject({ localityWeightedLbConfig: {} });
  });

  test('are ranked by the labels that they share with the client, from the first on', () => {
    const set = endpointsOf(depth, [
      endpoint('10.0.0.1', { locality: 'north/a', labels: { rack: 'r1', row: 'one' } }),
      endpoint('10.0.0.2', { locality: 'north/a', labels: { rack: 'r1', row: 'two' } }),
      endpoint('10.0.0.3', { locality: 'south/c', labels: { rack: 'r2', row: 'one' } }),
    ]);
    const world = worldOf(set, balancing({ failoverPriority: ['rack', 'row'] }));
    const labels = { rack: 'r1', row: 'one' };
    expect(seen(world, { labels, locality: 'south/c' })).toEqual(['north/a 0 1', 'north/a 1 1', 'south/c 2 1']);
    const fixed = worldOf(set, balancing({ failoverPriority: ['rack=r2'] }));
    expect(seen(fixed, { labels })).toEqual(['north/a 1 2', 'south/c 0 1']);
  });

  test('of another network come after all others if the network is the first label', () => {
    const set = endpointsOf(depth, [
      endpoint('10.0.0.1', { network: 'far', locality: 'r/own' }),
      endpoint('10.0.0.2', { network: 'near', locality: 'r/other' }),
    ]);
    const failoverPriority = ['topology.istio.io/network', 'topology.kubernetes.io/zone'];
    const world = worldOf(set, balancing({ failoverPriority }));
    expect(seen(world, { network: 'near', locality: 'r/own' })).toEqual(['r/other 0 1', 'r/own 1 1']);
  });
});

test('names of a DNS service have the order in their cluster, which is that of the place of the client', () => {
  const world = compiledWorld();
  const dns = service('depth', { resolution: 'dns' });
  const set = ['north/a', 'south/c'].map((locality, index) => endpoint(`${'ab'[index]}.example.com`, { locality }));
  world.apply(dns, endpointsOf(dns, set), ruleWith({ outlierDetection }));
  const order = (locality: string) => {
    const { endpoints = [] } = world.json('cluster', name, proxy({ locality })).loadAssignment as {
      endpoints?: readonly Locality[];
    }; // its message
    return endpoints.map((it) => `${it.locality?.region} ${it.priority ?? 0}`);
  };
  expect(order('south/c')).toEqual(['north 1', 'south 0']);
  expect(order('north/a')).toEqual(['north 0', 'south 1']);
});

test('endpoints of a service that prefers near ones are those of the own zone first, also without outlier detection', () => {
  const world = compiledWorld();
  const near = service('depth', { prefersNear: 'zone' });
  world.apply(near, at(['north/a/a1', 'north/b', 'south/c']));
  expect(seen(world, { locality: 'north/a/a2' })).toEqual(['north/a/a1 0 1', 'north/b 1 1', 'south/c 2 1']);
});

describe('shares of localities', () => {
  const distribute = [{ from: 'north/a/*', to: { 'north/a/*': 70, 'south/*': 30 } }];

  test('are those of the rule for the locality of the client; others get nothing', () => {
    const world = worldOf(at(['north/a', 'north/b', 'south/c']), balancing({ distribute }, undefined));
    expect(seen(world, { locality: 'north/a' })).toEqual(['north/a 0 70', 'south/c 0 30']);
    expect(seen(world, { locality: 'east/x' })).toEqual(['north/a 0 1', 'north/b 0 1', 'south/c 0 1']);
  });

  test('are divided by weight among the localities that match', () => {
    const set = endpointsOf(depth, [
      endpoint('10.0.0.1', { locality: 'north/a' }),
      endpoint('10.0.0.2', { locality: 'south/c', weight: 1 }),
      endpoint('10.0.0.3', { locality: 'south/d', weight: 2 }),
    ]);
    const world = worldOf(set, balancing({ distribute }));
    expect(seen(world, { locality: 'north/a' })).toEqual(['north/a 0 70', 'south/c 0 10', 'south/d 0 20']);
  });

  test('may be those of the mesh', () => {
    const mesh = meshConfigSchema.parse({ localityLbSetting: { distribute } });
    const world = worldOf(at(['north/a', 'south/c']), { type: 'mesh', mesh });
    expect(seen(world, { locality: 'north/a' })).toEqual(['north/a 0 70', 'south/c 0 30']);
  });
});

describe('the place of a client', () => {
  const localities = ['north/a', 'south/c'];

  test('is that of its workload if the client does not know it', () => {
    const world = worldOf(at(localities), ruleWith({ outlierDetection }));
    const web = service('web');
    const client = { addresses: ['10.0.0.7'] };
    world.compiler.joined(proxy(client));
    const { moved } = world.apply(web, endpointsOf(web, [endpoint('10.0.0.7', { locality: 'south/c' })]));
    expect(moved?.addresses).toContain('10.0.0.7');
    expect(seen(world, client)).toEqual(['north/a 1 1', 'south/c 0 1']);
  });

  test('makes no difference while no rule prefers places', () => {
    const world = worldOf(at(localities), ruleWith({ loadBalancer: { simple: 'RANDOM' } }));
    const layers = world.layers(proxy({ locality: 'north/a' }));
    expect(world.layers(proxy({ locality: 'south/c', labels: { rack: 'r1' } }))).toEqual(layers);
  });

  test('changes no scope: clients in two places share everything but endpoints', () => {
    const world = worldOf(at(localities), ruleWith({ outlierDetection }));
    const [here, there] = ['north/a', 'south/c'].map((locality) => world.layers(proxy({ locality })));
    expect(here?.filter((layer) => there?.includes(layer))).toHaveLength(2);
  });

  test('moves clients when the first rule prefers places, and their endpoints are there all the time', () => {
    const world = worldOf(at(localities));
    const client = proxy({ locality: 'south/c' });
    const before = world.layers(client);
    expect(world.table('endpoint', client).has(name)).toBe(true);
    const { moved, changes } = world.apply(ruleWith({ outlierDetection }));
    expect(moved?.everyone).toBe(true);
    const appeared = changes.filter(
      ({ type, changed }) => type === 'endpoint' && changed.some((it) => it.name === name),
    );
    expect(appeared.map(({ layer }) => layer)).toEqual([before[2]]);
    expect(seen(world, { locality: 'south/c' })).toEqual(['north/a 1 1', 'south/c 0 1']);
  });
});

test('a change of an endpoint assembles one assignment for each place, and compiles nothing', () => {
  const world = worldOf(at(['north/a', 'south/c']), ruleWith({ outlierDetection }));
  for (const locality of ['north/a', 'south/c']) world.table('endpoint', proxy({ locality }));
  const { work } = world.apply(at(['north/a', 'south/c', 'south/d']));
  expect(work).toEqual({ hostsCompiled: 0, encoded: 0, assembled: 2 });
});

test('the endpoints of a place have the origins of their destination', () => {
  const world = worldOf(at(['north/a']), ruleWith({ outlierDetection }));
  const client = proxy({ locality: 'north/a' });
  world.table('endpoint', client);
  const [scope, , placed] = world.layers(client);
  if (scope === undefined || placed === undefined) throw new Error('a sidecar has three layers');
  const origins = [`service/default/${depth.hostname}`, 'DestinationRule/default/depth'];
  expect([...world.compiler.partsOf(placed, 'endpoint', name)]).toEqual([{ part: '', origins, since: 0 }]);
  expect([...world.compiler.partsOf(scope, 'endpoint', name)]).toEqual([]);
  const contributions = [...world.compiler.contributionsOf('DestinationRule/default/depth')];
  const endpointLayers = contributions.filter(({ type }) => type === 'endpoint').map(({ layer }) => layer);
  expect(endpointLayers).toContain(placed);
  expect(endpointLayers).not.toContain(scope);
});
