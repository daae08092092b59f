import { describe, expect, test } from 'vitest';
import { createCompiler } from '../../../src/compile/compiler.ts';
import type { LayerKind } from '../../../src/compile/layer.ts';
import { anyFacts, layerKinds } from '../../../src/compile/layer-kinds.ts';
import { createTables } from '../../../src/compile/tables/tables.ts';
import { encodeCluster } from '../../../src/proto/json.ts';
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
    expect(world.layers(there)).toHaveLength(3);
    expect(world.layers(proxy({ network: 'n2' }))[2]).not.toBe(world.layers(there)[2]);
    expect(world.layers()).toEqual(world.layers(there).slice(0, 2));
  });
});

describe('the layer of what a workload serves', () => {
  const http = { name: 'http', number: 80, protocol: 'http' } as const;
  const web = service('web', { ports: [http] });
  const at = proxy({ addresses: ['10.1.0.1'] });
  const serving = endpointsOf(web, [endpoint('10.1.0.1', { ports: { http: 8080, admin: 9090 } })]);

  test('changes in place when its service does: its proxies stay with it', () => {
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

  test('is shared by workloads of one service and equal ports, and told apart by the ports alone', () => {
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
