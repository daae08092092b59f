import { describe, expect, test } from 'vitest';
import { createCompiler } from '../../../src/compile/compiler.ts';
import type { LayerKey } from '../../../src/compile/contract.ts';
import type { LayerKind } from '../../../src/compile/layer.ts';
import { anyFacts, layerKinds } from '../../../src/compile/layer-kinds.ts';
import { createTables } from '../../../src/compile/tables/tables.ts';
import { encodeCluster } from '../../../src/proto/json.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, service } from '../../support/world.ts';

/** A kind of layers as a feature would add it: a cluster that is called as the network of the proxy. */
const networkKind: LayerKind<{ readonly network: string }> = {
  kind: 'network',
  mayWait: false,
  factsOf: (of) => (of.get('network') === '' ? null : { network: of.get('network') }),
  selected: () => [],
  create({ network }, { key }) {
    const tables = createTables(key);
    return {
      key,
      mark: () => false,
      *compile() {
        tables.set('cluster', encodeCluster({ name: `network|${network}`, type: 'STATIC', connectTimeout: '1s' }));
        yield;
      },
      takeChanges: tables.takeChanges,
      partsOf: () => [],
      contributionsOf: () => [],
      dispose: () => {},
    };
  },
  layersWith: () => [],
};

describe('a kind of layers', () => {
  test('is one entry in the list', () => {
    const world = compiledWorld(createCompiler({ kinds: [...layerKinds('coarse'), anyFacts(networkKind)] }));
    world.apply(service('a'));
    const there = proxy({ network: 'n1' });
    expect(world.names('cluster', there)).toContain('network|n1');
    expect(world.names('cluster', there)).toContain('outbound|80||a.default.svc.cluster.local');
    expect(world.layers(there)).toHaveLength(4);
    expect(world.layers(proxy({ network: 'n2' }))[3]).not.toBe(world.layers(there)[3]);
    expect(world.layers()).toEqual(world.layers(there).slice(0, 3));
  });
});

describe('the inbound layer of a workload', () => {
  const http = { name: 'http', number: 80, protocol: 'http' } as const;
  const web = service('web', { ports: [http] });
  const at = proxy({ addresses: ['10.1.0.1'] });
  const serving = endpointsOf(web, [endpoint('10.1.0.1', { ports: { http: 8080, admin: 9090 } })]);

  test('changes in place with its service, and its proxies keep it', () => {
    const world = compiledWorld();
    world.apply(web, serving);
    const before = world.layers(at);
    expect(world.names('cluster', at)).not.toContain('inbound|9090||');

    const admin = { name: 'admin', number: 81, protocol: 'http2' } as const;
    const { changes, moved } = world.apply({ ...web, ports: [http, admin] });

    expect(moved).toBeNull();
    expect(world.layers(at)).toEqual(before);
    const inbound = changes.filter(({ layer }) => layer === before[1]);
    expect(inbound.map(({ type, changed }) => [type, changed.map(({ name }) => name)])).toEqual([
      ['cluster', ['inbound|9090||']],
      ['listener', ['virtualInbound']],
    ]);
    world.apply({ ...web, ports: [] });
    expect(world.names('cluster', at).filter((name) => name.startsWith('inbound|'))).toEqual([]);
  });

  test('is not compiled again by other services', () => {
    const world = compiledWorld();
    world.apply(web, serving);
    world.layers(at);
    world.apply();
    const { changes } = world.apply(service('other'));
    expect(changes.map(({ layer }) => layer)).not.toContain(world.layers(at)[1]);
  });

  test('is shared by workloads of one service with equal ports, and differs only by ports', () => {
    const world = compiledWorld();
    const ports = { http: 8080, admin: 9090 };
    world.apply(
      web,
      endpointsOf(web, [
        endpoint('10.1.0.1', { ports, weight: 1, locality: 'a' }),
        endpoint('10.1.0.2', { ports, weight: 5, health: 'departed' }),
        endpoint('10.1.0.3', { ports: { ...ports, admin: 9091 } }),
      ]),
    );
    const inbound = (address: string) => world.layers(proxy({ addresses: [address] }))[1];
    expect(inbound('10.1.0.2')).toBe(inbound('10.1.0.1'));
    expect(inbound('10.1.0.3')).not.toBe(inbound('10.1.0.1'));
  });
});

describe('a unit of a layer', () => {
  const ports = [
    { name: 'http', number: 80, protocol: 'http' },
    { name: 'admin', number: 81, protocol: 'http' },
  ] as const;
  const web = service('web', { ports });
  const at = proxy({ addresses: ['10.1.0.1'] });
  const serving = endpointsOf(web, [endpoint('10.1.0.1', { ports: { http: 8080, admin: 70_000 } })]);
  const sinceOf = (world: ReturnType<typeof compiledWorld>, name: string) =>
    [...world.compiler.partsOf(world.layers(at)[1] ?? ('' as LayerKey), 'cluster', name)].map(({ since }) => since);

  test('that is a port keeps its revision when other ports change', () => {
    const world = compiledWorld();
    world.compiler.apply([
      { type: 'service', service: web },
      { type: 'endpoints', set: endpointsOf(web, [endpoint('10.1.0.1', { ports: { http: 8080, admin: 9090 } })]) },
    ]);
    world.layers(at);
    for (const _ of world.compiler.flush(3));
    world.compiler.apply([
      { type: 'service', service: { ...web, ports: [ports[0], { ...ports[1], protocol: 'tcp' }] } },
    ]);
    for (const _ of world.compiler.flush(4));
    expect(sinceOf(world, 'inbound|8080||')).toEqual([3]);
    expect(sinceOf(world, 'inbound|9090||')).toEqual([4]);
  });

  test('that Envoy would reject is reported until no service has it', () => {
    const world = compiledWorld();
    world.apply(web, serving);
    world.table('listener', at);
    expect(Object.values(world.problems()).flat()).toHaveLength(1);
    expect(world.names('cluster', at)).toContain('inbound|8080||');
    world.apply({ ...web, ports: [ports[0]] });
    expect(world.problems()).toEqual({});
    world.apply(web);
    expect(Object.values(world.problems()).flat()).toHaveLength(1);
    for (const layer of world.layers(at)) world.close(layer);
    expect(world.problems()).toEqual({});
  });

  test('keeps its contents while Envoy would reject the mesh configuration', () => {
    const world = compiledWorld();
    world.apply(web, endpointsOf(web, [endpoint('10.1.0.1', { ports: { http: 8080 } })]));
    const before = world.json('listener', 'virtualInbound', at);
    world.apply({ type: 'mesh', mesh: { ...defaultMeshConfig, connectTimeout: '0s' } });
    expect(world.json('listener', 'virtualInbound', at)).toEqual(before);
    expect(world.names('cluster', at)).toContain('inbound|8080||');
  });

  test('that is no host has the mesh configuration as its origin', () => {
    const world = compiledWorld();
    world.apply({ type: 'mesh', mesh: { ...defaultMeshConfig, connectTimeout: '3s' } });
    const [outbound = '' as LayerKey] = world.layers();
    world.apply();
    const want = [{ part: '', origins: ['MeshConfig//default'], since: 0 }];
    expect([...world.compiler.partsOf(outbound, 'cluster', 'PassthroughCluster')]).toEqual(want);
    expect([...world.compiler.partsOf(outbound, 'listener', 'virtualOutbound')]).toEqual(want);
    expect([...world.compiler.contributionsOf('MeshConfig//default')].map(({ name }) => name).sort()).toEqual([
      'BlackHoleCluster',
      'PassthroughCluster',
      'virtualOutbound',
    ]);
  });
});
