import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Endpoint } from '../../../src/model/endpoint.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import type { ServicePort } from '../../../src/model/service.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { servicePatterns } from '../../../src/registry/service-patterns.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { endpoint, endpointSet, service } from '../../support/model.ts';
import { contents, story } from '../../support/registry.ts';

const greet = serviceKey('default', hostname('greet'));
const ports = (numbers: Readonly<Record<string, number>>): readonly ServicePort[] =>
  Object.entries(numbers).map(([name, number]) => ({ name, number, protocol: 'tcp' }));
const instance = (address: string, given: Readonly<Record<string, number>>, fields: Partial<Endpoint> = {}) =>
  endpoint(address, { ports: given, ...fields });

/** Registry with the adapters `nacos` (the first one) and `alpha`, of which each has the service `greet`. */
function start(oneAdapterOnly: readonly string[] = []) {
  const registry = createRegistry({
    clock: fakeClock(),
    log: silentLogger,
    snapshotDir: null,
    isOfOneAdapter: servicePatterns(oneAdapterOnly),
  });
  const [first, second] = [
    registry.shard('nacos', 'nacos', { order: 0 }),
    registry.shard('alpha', 'test', { order: 1 }),
  ];
  const put = (
    sink: typeof first,
    given: Readonly<Record<string, number>>,
    endpoints: readonly Endpoint[],
    fields: object = {},
  ) =>
    sink.replace(
      contents({
        services: [service('greet', { ports: ports(given), ...fields })],
        endpoints: [endpointSet('greet', ...endpoints)],
      }),
    );
  return {
    registry,
    first,
    second,
    put,
    merged() {
      registry.takeChanges();
      return [...registry.services()][0];
    },
    endpoints() {
      registry.takeChanges();
      return (registry.endpoints(greet)?.endpoints ?? []).map(({ address, ports: numbers, health }) => {
        const text = [address, ...Object.entries(numbers).map(([name, number]) => `${name}=${number}`)].join(' ');
        return health === 'healthy' ? text : `${text} (${health})`;
      });
    },
  };
}

describe('a service of two adapters', () => {
  test('has the attributes of the first adapter of the configuration, and the ports and aliases of both', () => {
    const mesh = start();
    mesh.put(mesh.second, { dubbo: 99, tri: 50_051 }, [], { labels: { by: 'alpha' }, aliases: [hostname('b')] });
    mesh.put(mesh.first, { dubbo: 20_880 }, [], { labels: { by: 'nacos' }, aliases: [hostname('a')] });
    expect(mesh.merged()).toMatchObject({
      labels: { by: 'nacos' },
      aliases: ['a', 'b'],
      ports: ports({ dubbo: 20_880, tri: 50_051 }),
    });
  });

  test('has endpoints of both at the ports that each serves', () => {
    const mesh = start();
    mesh.put(mesh.first, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1 })]);
    mesh.put(mesh.second, { tri: 50_051 }, [instance('10.0.0.2', { tri: 2 })]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1', '10.0.0.2 tri=2']);
  });

  test('names a port that another one of the same number leaves no place', () => {
    const mesh = start();
    mesh.put(mesh.first, { http: 8080 }, []);
    mesh.put(mesh.second, { rest: 8080 }, []);
    expect(mesh.merged()?.ports).toEqual(ports({ http: 8080 }));
    expect(mesh.registry.problems()).toEqual([
      {
        shard: 'alpha',
        origin: 'service default/greet',
        message: "port 8080 (rest) is left out, because another adapter's port http has that number",
      },
    ]);
  });

  test('keeps what a lost adapter had, and what is left when one no longer has it', () => {
    const mesh = start();
    mesh.put(mesh.first, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1 })]);
    mesh.put(mesh.second, { tri: 50_051 }, [instance('10.0.0.2', { tri: 2 })]);
    mesh.first.degraded('away');
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1', '10.0.0.2 tri=2']);
    mesh.first.replace(contents({}));
    expect(mesh.endpoints()).toEqual(['10.0.0.2 tri=2', '10.0.0.1 dubbo=1 (departed)']);
    expect(mesh.merged()?.ports).toEqual(ports({ tri: 50_051 }));
  });

  test('is not joined with one that is resolved by DNS', () => {
    const mesh = start();
    mesh.put(mesh.first, { dubbo: 20_880 }, [], { resolution: 'dns' });
    mesh.put(mesh.second, { tri: 50_051 }, []);
    expect(mesh.merged()?.ports).toEqual(ports({ dubbo: 20_880 }));
  });
});

describe('an instance that two adapters know', () => {
  test('is one endpoint with the ports of both and the attributes of the first', () => {
    const mesh = start();
    mesh.put(mesh.first, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1 }, { weight: 7 })]);
    mesh.put(mesh.second, { dubbo: 20_880, tri: 50_051 }, [instance('10.0.0.1', { dubbo: 1, tri: 1 }, { weight: 9 })]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1 tri=1']);
    expect(mesh.registry.endpoints(greet)?.endpoints[0]?.weight).toBe(7);
  });

  test('has no departed twin when the other adapter adds a port, and no change when nothing did', () => {
    const mesh = start();
    mesh.put(mesh.first, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1 })]);
    mesh.put(mesh.second, { tri: 50_051, dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1, tri: 2 })]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1 tri=2']);
    mesh.first.apply([{ type: 'endpoints', set: endpointSet('greet', instance('10.0.0.1', { dubbo: 1 })) }]);
    mesh.put(mesh.second, { tri: 50_051, dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1, tri: 2 })]);
    expect(story(mesh.registry)).toEqual([]);
    const other = instance('10.0.0.5', { dubbo: 1 });
    const both = endpointSet('greet', instance('10.0.0.1', { dubbo: 1 }), other);
    const before = mesh.registry.endpoints(greet)?.endpoints[0];
    mesh.first.apply([{ type: 'endpoints', set: both }]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1 tri=2', '10.0.0.5 dubbo=1']);
    expect(mesh.registry.endpoints(greet)?.endpoints[0]).toBe(before);
  });

  test('has no departed twin when something else changes, though neither has all of its ports', () => {
    const mesh = start();
    mesh.put(mesh.first, { dubbo: 20_880, rest: 8080 }, [instance('10.0.0.1', { dubbo: 1, rest: 3 })]);
    mesh.put(mesh.second, { dubbo: 20_880, tri: 50_051 }, [instance('10.0.0.1', { dubbo: 1, tri: 2 })]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1 tri=2 rest=3']);
    const more = [instance('10.0.0.1', { dubbo: 1, tri: 2 }), instance('10.0.0.9', { tri: 1 })];
    mesh.second.apply([{ type: 'endpoints', set: endpointSet('greet', ...more) }]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1 tri=2 rest=3', '10.0.0.9 tri=1']);
  });

  test('is called at its sidecar if one of them names it', () => {
    const mesh = start();
    const place = 'public/G/greet';
    const sidecar = { origin: { place, instance: '10.0.0.1#20880#DEFAULT', ownPort: 20_880 } };
    mesh.put(mesh.first, { dubbo: 20_880 }, [
      instance('10.0.0.1', { dubbo: 20_880 }),
      instance('10.0.0.2', { dubbo: 1 }),
    ]);
    mesh.put(mesh.second, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 20_882 }, sidecar)]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=20882', '10.0.0.2 dubbo=1']);
  });

  test('at two ports of one address is two', () => {
    const mesh = start();
    mesh.put(mesh.first, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1 })]);
    mesh.put(mesh.second, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 2 })]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1', '10.0.0.1 dubbo=2']);
  });

  test('and that one of them lists once for each protocol gets no port twice', () => {
    const mesh = start();
    const split = [instance('10.0.0.1', { dubbo: 1 }), instance('10.0.0.1', { tri: 1 })];
    mesh.put(mesh.first, { dubbo: 20_880, tri: 50_051 }, split);
    mesh.put(mesh.second, { rest: 8080 }, [instance('10.0.0.1', { dubbo: 1, tri: 1, rest: 1 })]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1 rest=1', '10.0.0.1 tri=1']);
  });
});

describe('a service that has the endpoints of one adapter only', () => {
  test('has those of the first one with a callable endpoint', () => {
    const mesh = start(['default/gre*', '*/*']);
    const down = instance('10.0.0.1', { dubbo: 1 }, { health: 'unhealthy' });
    mesh.put(mesh.second, { dubbo: 20_880 }, [instance('10.0.0.2', { dubbo: 2 })]);
    mesh.put(mesh.first, { dubbo: 20_880 }, [down]);
    expect(mesh.endpoints()).toEqual(['10.0.0.2 dubbo=2']);
    mesh.first.apply([{ type: 'endpoints', set: endpointSet('greet', instance('10.0.0.1', { dubbo: 1 })) }]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1', '10.0.0.2 dubbo=2 (departed)']);
    expect([...mesh.registry.endpointShards()].map(({ shard, isUsed }) => [shard, isUsed])).toEqual([
      ['nacos', true],
      ['alpha', false],
    ]);
    mesh.first.apply([{ type: 'endpoints', set: endpointSet('greet') }]);
    expect(mesh.endpoints()).toContain('10.0.0.2 dubbo=2');
  });

  test('lists all while none is callable', () => {
    const mesh = start(['*/*']);
    for (const sink of [mesh.first, mesh.second])
      mesh.put(sink, { dubbo: 20_880 }, [instance('10.0.0.1', { dubbo: 1 }, { health: 'unhealthy' })]);
    expect(mesh.endpoints()).toEqual(['10.0.0.1 dubbo=1 (unhealthy)']);
  });
});
