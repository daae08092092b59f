import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createContentPool } from '../../src/compile/content-pool.ts';
import { dialects } from '../../src/compile/dialects.ts';
import { type ChainClaim, decideMatches } from '../../src/compile/tables/chain-matches.ts';
import { type ChainPart, encodeChain } from '../../src/compile/tables/chain-parts.ts';
import { createListenerTable } from '../../src/compile/tables/listener-table.ts';
import { createProblemIndex } from '../../src/compile/tables/problem-index.ts';
import { createTables } from '../../src/compile/tables/tables.ts';
import { createWriter, type HashedBytes, type ListenerFrameBytes } from '../../src/compile/writer.ts';
import { anyConnection, type ChainMatch, type FilterChainPlan, plainHttp } from '../../src/plan/listener.ts';
import { resourceToJson, resourceViolation } from '../../src/proto/json.ts';
import type { EncodedResource } from '../../src/proto/resource.ts';
import { layerKey } from '../support/fake-compiler.ts';
import { runs } from '../support/property-runs.ts';

/* Chains that meet in every condition: gateways' server names, ranges, protocols, inbound ports. */

const arbitraryMatch: fc.Arbitrary<ChainMatch> = fc.record({
  port: fc.constantFrom(null, null, 8080, 9000),
  addresses: fc.subarray(['10.0.0.1', '10.1.0.0/16', 'fd00::/8']),
  sources: fc.constantFrom([], [], ['10.9.0.0/16'], ['10.9.0.0/16', '10.8.0.1']),
  serverNames: fc.subarray(['a.test', 'b.test', '*.test']),
  transport: fc.constantFrom(null, null, 'plain' as const, 'tls' as const),
  protocols: fc.constantFrom([], [], plainHttp, ['h2c']),
});

const mostlyFalse = fc.constantFrom(false, false, false, true);

const arbitraryPlan: fc.Arbitrary<FilterChainPlan> = fc
  .record({
    match: fc.oneof(arbitraryMatch, fc.constantFrom(anyConnection, { ...anyConnection, protocols: plainHttp })),
    takesRest: fc.boolean(),
    isForUnknown: mostlyFalse,
    isHttp: fc.boolean(),
    listener: fc.constantFrom('0.0.0.0', '10.0.0.1'),
    createdAtMs: fc.constantFrom(1, 2),
    takesAnyAddress: fc.boolean(),
    destination: fc.constantFrom('c1', 'c2'),
    origin: fc.constantFrom('service/default/a', 'service/default/b'),
  })
  .map(({ isHttp, listener, destination, origin, ...rest }) => ({
    ...rest,
    listener: {
      name: `${listener}_80`,
      direction: 'outbound',
      binds: [listener],
      port: 80,
      bindsToPort: false,
      transparent: false,
    },
    name: '',
    traffic: isHttp
      ? { type: 'http', routeConfiguration: '80', filters: [] }
      : { type: 'tcp', targets: [{ destination, weight: 1, headers: null, rewriteHost: null }] },
    origins: [origin],
  }));

/** The chains that one unit has from now on. */
const arbitraryStep = fc.record({
  unit: fc.constantFrom('a', 'b', 'c', ''),
  plans: fc.uniqueArray(arbitraryPlan, {
    maxLength: 3,
    selector: ({ listener, match, takesRest, isForUnknown }) =>
      JSON.stringify([listener.name, match, takesRest, isForUnknown]),
  }),
});

interface Connection {
  readonly port: number;
  readonly address: string;
  readonly source: string;
  readonly serverName: string;
  readonly transport: string;
  readonly protocol: string;
}

/** Whether a match names a connection by its very conditions, as Envoy compares them one by one. */
const names = (match: ChainMatch, { port, address, source, serverName, transport, protocol }: Connection): boolean =>
  (match.port ?? 0) === port &&
  isAmong(match.addresses, address) &&
  isAmong(match.sources, source) &&
  isAmong(match.serverNames, serverName) &&
  (match.transport ?? '') === transport &&
  isAmong(match.protocols, protocol);

const isAmong = (values: readonly string[], value: string) =>
  values.length === 0 ? value === '' : values.includes(value);

const combinations: readonly Connection[] = [0, 8080, 9000].flatMap((port) =>
  ['', '10.0.0.1', '10.1.0.0/16', 'fd00::/8'].flatMap((address) =>
    ['', '10.9.0.0/16', '10.8.0.1'].flatMap((source) =>
      ['', 'a.test', 'b.test', '*.test'].flatMap((serverName) =>
        ['', 'plain', 'tls'].flatMap((transport) =>
          ['', ...plainHttp].map((protocol) => ({ port, address, source, serverName, transport, protocol })),
        ),
      ),
    ),
  ),
);

describe('the chains of a listener', () => {
  test('match every requested connection exactly once, for the claim with precedence', () => {
    const arbitraryClaim: fc.Arbitrary<ChainClaim> = fc.record({
      match: arbitraryMatch,
      takesRest: fc.boolean(),
      isForUnknown: mostlyFalse,
      isHttp: fc.boolean(),
      createdAtMs: fc.constantFrom(1, 2),
      owner: fc.constantFrom('a', 'b', 'c', 'd'),
    });
    fc.assert(
      fc.property(fc.uniqueArray(arbitraryClaim, { maxLength: 5, selector: ({ owner }) => owner }), (claims) => {
        const decided = decideMatches(claims);
        for (const connection of combinations) {
          const asking = claims.filter(({ match, isForUnknown }) => !isForUnknown && names(match, connection));
          const having = decided.filter(({ matches }) => matches.some((match) => names(match, connection)));
          if (asking.length > 0) {
            const [best] = asking.toSorted(
              (a, b) =>
                Number(b.isHttp) - Number(a.isHttp) || a.createdAtMs - b.createdAtMs || (a.owner < b.owner ? -1 : 1),
            );
            // A chain that takes the rest of its place needs no condition on the protocol any more.
            const rest = having.map(({ claim }) => claim);
            expect(rest.length).toBeLessThanOrEqual(1);
            if (rest.length === 0) {
              const general = { ...connection, protocol: '' };
              const [owner] = decided.filter(({ matches }) => matches.some((match) => names(match, general)));
              expect(owner?.claim).toBe(best);
            } else expect(rest).toEqual([best]);
          } else expect(having.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test('do not depend on the order of claims and releases', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 12 }), (steps) => {
        const history = createWorld();
        for (const { unit, plans } of steps) history.have(unit, plans);
        const last = new Map(steps.map(({ unit, plans }) => [unit, plans]));
        const forwards = createWorld();
        for (const [unit, plans] of last) forwards.have(unit, plans);
        const backwards = createWorld();
        for (const [unit, plans] of [...last].reverse()) backwards.have(unit, plans.toReversed());
        expect(history.told()).toEqual(forwards.told());
        expect(backwards.told()).toEqual(forwards.told());
      }),
      { numRuns: runs(200) },
    );
  });

  test('are valid for Envoy and contain only chains in use', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 6 }), (steps) => {
        const world = createWorld();
        for (const { unit, plans } of steps) world.have(unit, plans);
        world.told();
        for (const resource of world.resources()) expect(resourceViolation('listener', resource)).toBeNull();
        for (const { unit } of steps) world.have(unit, []);
        expect(world.told()).toEqual([]);
        expect(world.held()).toBe(0);
      }),
      { numRuns: runs(100) },
    );
  });
});

/** A table of listeners with units that have chains. */
function createWorld() {
  const pools = {
    clusters: createContentPool<EncodedResource>(() => {}),
    listeners: createContentPool<EncodedResource>(() => {}),
    frames: createContentPool<ListenerFrameBytes>(() => {}),
    chains: createContentPool<HashedBytes>(() => {}),
    bodies: createContentPool<HashedBytes>(() => {}),
  };
  const tables = createTables(layerKey('layer'));
  const problems = createProblemIndex();
  const writer = createWriter({ dialect: dialects.envoy, pools });
  const table = createListenerTable({ tables, writer, pools, problems });
  const units = new Map<string, readonly ChainPart[]>();
  const listenerNames = ['0.0.0.0_80', '10.0.0.1_80'];
  const resources = () => listenerNames.flatMap((name) => tables.get('listener', name) ?? []);
  const settle = () => {
    for (const _ of table.settle()); // to its end
  };
  return {
    have(unit: string, plans: readonly FilterChainPlan[]) {
      const before = units.get(unit) ?? [];
      const after = plans.map((plan) => encodeChain(plan, unit, writer));
      table.replace(before, after);
      units.set(unit, after);
      settle();
      for (const { frame, body } of before) {
        pools.frames.release(frame);
        pools.chains.release(body);
      }
    },
    resources,
    /** Everything, with versions; what is told of services; who has a part in what. */
    told: () =>
      resources().map((resource) => [
        resource.version,
        resourceToJson('listener', resource),
        [...problems.origins()].sort().map((origin) => [origin, problems.of(origin)]),
        [...table.partsOf(resource.name)].map(({ content }) => content).sort(),
      ]),
    held: () => Object.values(pools).reduce((sum, pool) => sum + pool.size, 0),
  };
}
