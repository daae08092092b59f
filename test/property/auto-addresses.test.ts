import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostname, type ServiceKey, serviceKey } from '../../src/model/names.ts';
import { createAutoAddressPool } from '../../src/rules/service-entries/auto-addresses.ts';
import { runs } from '../support/property-runs.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f').map((name) => serviceKey('n', hostname(`${name}.x`)));
const step = fc.oneof(
  fc.record({ key, createdAtMs: fc.constantFrom(1, 2, 3) }),
  fc.record({ key, createdAtMs: fc.constant(null) }),
);

/** Four places for six hosts, so that hosts displace each other and some get none. */
const crowded = (of: ServiceKey, attempt: number): number => (of.charCodeAt(2) * (attempt + 1)) % 4;

test('after any history, hosts have the addresses that the same hosts get at a fresh start, and changes are reported', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const grown = createAutoAddressPool(crowded);
      const claims = new Map<ServiceKey, number>();
      const reported = new Map<ServiceKey, ReturnType<typeof grown.of>>();
      for (const { key: at, createdAtMs } of steps) {
        if (createdAtMs === null) {
          grown.release(at);
          claims.delete(at);
        } else {
          grown.claim(at, createdAtMs);
          claims.set(at, createdAtMs);
        }
        for (const moved of grown.takeMoved()) reported.set(moved, grown.of(moved));
      }
      const fresh = createAutoAddressPool(crowded);
      for (const [at, createdAtMs] of [...claims].reverse()) fresh.claim(at, createdAtMs);
      const oldest = [...claims].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([at]) => at);
      const addresses = oldest.map((at) => grown.of(at)?.[0] ?? null);
      expect(addresses).toEqual(oldest.map((at) => fresh.of(at)?.[0] ?? null));
      expect(new Set(addresses.filter((it) => it !== null)).size).toBe(addresses.filter((it) => it !== null).length);
      for (const at of oldest) expect(reported.get(at) ?? null).toEqual(grown.of(at));
      if (oldest[0] !== undefined) expect(grown.of(oldest[0])).toEqual(alone(oldest[0]));
    }),
    { numRuns: runs(500) },
  );
});

/** The addresses of a host without others. */
function alone(of: ServiceKey) {
  const pool = createAutoAddressPool(crowded);
  pool.claim(of, 1);
  return pool.of(of);
}

test('the addresses of a host follow from its name', () => {
  const pool = createAutoAddressPool();
  const api = serviceKey('shop', hostname('api.example.com'));
  pool.claim(api, 1);
  expect(pool.of(api)).toEqual(['240.240.105.131', '2001:2::f0f0:68b1']);
});
