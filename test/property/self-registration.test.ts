import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { hostname, serviceKey } from '../../src/model/names.ts';
import { registrationLabel } from '../../src/registry/registration-policy.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { servicePatterns } from '../../src/registry/service-patterns.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { endpoint, service } from '../support/model.ts';
import { runs } from '../support/property-runs.ts';

const shards = ['mesh', 'entries', 'agents', 'other-agents'] as const;
const hosts = ['orders.shop.svc.mesh', 'orders.shop', 'orders', 'a.orders', '*.orders', '*'] as const;

function start() {
  const isRegistrationAllowed = servicePatterns(['shop/a.orders']);
  const registry = createRegistry({
    clock: fakeClock(),
    log: silentLogger,
    snapshotDir: null,
    departedMs: 0,
    isRegistrationAllowed,
  });
  const sinks = shards.map((name) => registry.shard(name, 'test', { isSelfRegistered: name.endsWith('agents') }));
  for (const sink of sinks) sink.replace({ services: [], endpoints: [], workloads: [], objects: [] });
  return { registry, apply: (shard: number, changes: readonly ShardChange[]) => sinks[shard]?.apply(changes) };
}

interface Step {
  readonly shard: number;
  readonly namespace: string;
  readonly host: string;
  readonly put: boolean;
  readonly isAllowed: boolean;
  readonly alias: string | undefined;
  readonly createdAtMs: number;
  readonly vips: readonly string[];
  /** The changes are taken after this step. */
  readonly takes: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  shard: fc.nat(shards.length - 1),
  namespace: fc.constantFrom('shop', 'books'),
  host: fc.constantFrom(...hosts),
  put: fc.boolean(),
  isAllowed: fc.boolean(),
  alias: fc.option(fc.constantFrom('orders', 'a.orders'), { nil: undefined }),
  createdAtMs: fc.nat(3),
  vips: fc.subarray(['10.1.1.1', 'fd00::1']),
  takes: fc.boolean(),
});

function changesOf({ shard, namespace, host, put, isAllowed, alias, createdAtMs, vips }: Step): readonly ShardChange[] {
  if (!put) return [{ type: 'service-removed', namespace, hostname: host }];
  const labels = isAllowed ? { [registrationLabel]: 'allow' } : {};
  const aliases = alias === undefined ? [] : [hostname(alias)];
  const set = { namespace, hostname: hostname(host), endpoints: [endpoint(`10.0.0.${shard}`)] };
  const name = host.split('.')[0] ?? '';
  const one = service(host, { namespace, name, labels, aliases, createdAtMs, vips, registry: shards[shard] ?? '' });
  return [
    { type: 'service', service: one },
    { type: 'endpoints', set },
  ];
}

describe('self-registered services', () => {
  it('depend only on the final definitions of other adapters, not on the history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const walked = start();
        const last = new Map<string, Step>();
        for (const one of steps) {
          walked.apply(one.shard, changesOf(one));
          last.set(`${one.shard}/${one.namespace}/${one.host}`, one);
          if (one.takes) walked.registry.takeChanges();
        }
        const fresh = start();
        for (const one of last.values()) fresh.apply(one.shard, changesOf(one));
        expect(state(walked)).toEqual(state(fresh));
      }),
      { numRuns: runs(300) },
    );
  });
});

function state({ registry }: ReturnType<typeof start>) {
  registry.takeChanges();
  const services = [...registry.services()].map((one) => {
    const key = serviceKey(one.namespace, one.hostname);
    const set = registry.endpoints(key);
    return [key, one.registry, set?.endpoints.map(({ address }) => address).join(' ') ?? 'none'].join(': ');
  });
  return { services: services.sort(), leftOut: [...registry.excludedRegistrations()].sort() };
}
