import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { hostname, serviceKey } from '../../src/model/names.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { servicePatterns } from '../../src/registry/service-patterns.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { endpoint, service } from '../support/model.ts';
import { runs } from '../support/property-runs.ts';

const hosts = ['greet', 'alone'] as const;
const names = ['dubbo', 'tri', 'rest'] as const;

/** Three adapters; of the last one there are two parts. `alone` has the endpoints of one adapter only. */
const shards = [
  { name: 'nacos', order: 1 },
  { name: 'zookeeper', order: 0 },
  { name: 'mesh/b', order: 2 },
  { name: 'mesh/a', order: 2 },
] as const;

function start() {
  const isOfOneAdapter = servicePatterns(['default/alone']);
  const registry = createRegistry({
    clock: fakeClock(),
    log: silentLogger,
    snapshotDir: null,
    departedMs: 0,
    isOfOneAdapter,
  });
  const sinks = shards.map(({ name, order }) => registry.shard(name, 'test', { order }));
  for (const sink of sinks) sink.replace({ services: [], endpoints: [], workloads: [], objects: [] });
  return { registry, apply: (shard: number, changes: readonly ShardChange[]) => sinks[shard]?.apply(changes) };
}

const ports = fc
  .subarray([...names], { minLength: 1 })
  .chain((some) => fc.tuple(...some.map((name) => fc.integer({ min: 1, max: 3 }).map((number) => [name, number]))))
  .map((pairs) => Object.fromEntries(pairs) as Readonly<Record<string, number>>); // pairs of a name and a number

const anEndpoint: fc.Arbitrary<Endpoint> = fc
  .record({
    address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
    ports,
    health: fc.constantFrom('healthy' as const, 'unhealthy' as const),
    weight: fc.integer({ min: 1, max: 2 }),
    ownPort: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  })
  .map(({ address, ownPort, ...fields }) =>
    endpoint(address, {
      ...fields,
      ...(ownPort === undefined ? {} : { origin: { place: 'x', instance: address, ownPort } }),
    }),
  );

const step = fc.record({
  shard: fc.nat(shards.length - 1),
  host: fc.constantFrom(...hosts),
  change: fc.oneof(
    fc.constant('remove' as const),
    fc.record({ ports, endpoints: fc.array(anEndpoint, { maxLength: 4 }) }),
  ),
  takes: fc.constantFrom(undefined, 'endpoints' as const, 'configuration' as const),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function changesOf({ host, change }: Step): readonly ShardChange[] {
  if (change === 'remove') return [{ type: 'service-removed', namespace: 'default', hostname: host }];
  const served = Object.entries(change.ports).map(([name, number]) => ({ name, number, protocol: 'tcp' as const }));
  return [
    { type: 'service', service: service(host, { ports: served }) },
    { type: 'endpoints', set: { namespace: 'default', hostname: hostname(host), endpoints: change.endpoints } },
  ];
}

function state({ registry }: ReturnType<typeof start>) {
  registry.takeChanges();
  const all = [...registry.services()].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  return all.map((one) => ({ one, set: registry.endpoints(serviceKey(one.namespace, one.hostname)) }));
}

it('services of several adapters depend only on what each has in the end, not on the order of changes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const walked = start();
      const last = new Map<string, Step>();
      for (const one of steps) {
        walked.apply(one.shard, changesOf(one));
        last.set(`${one.shard}/${one.host}`, one);
        if (one.takes !== undefined) walked.registry.takeChanges(one.takes);
      }
      const fresh = start();
      for (const one of [...last.values()].reverse()) fresh.apply(one.shard, changesOf(one));
      const before = state(walked);
      expect(before).toEqual(state(fresh));
      // An equal value written again is no change, and keeps its identity.
      for (const one of last.values()) walked.apply(one.shard, changesOf(one));
      expect(walked.registry.takeChanges()).toEqual([]);
      expect(state(walked).every(({ set }, index) => set === before[index]?.set)).toBe(true);
    }),
    { numRuns: runs(300) },
  );
});

it('a merged endpoint has only ports that some adapter has at its address', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const mesh = start();
      for (const one of steps) mesh.apply(one.shard, changesOf(one));
      const registered = steps.flatMap(({ change }) => (change === 'remove' ? [] : change.endpoints));
      for (const { set } of state(mesh)) {
        for (const { address, ports: merged } of set?.endpoints ?? []) {
          for (const [name, number] of Object.entries(merged)) {
            const isKnown = registered.some((one) => one.address === address && one.ports[name] === number);
            expect(isKnown).toBe(true);
          }
        }
      }
    }),
    { numRuns: runs(300) },
  );
});
