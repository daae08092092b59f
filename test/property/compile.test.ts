import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCompiler } from '../../src/compile/compiler.ts';
import type { Compiler, LayerKey, MovedProxies, WorldChange } from '../../src/compile/contract.ts';
import { contentHash } from '../../src/lib/hash.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { resourceToJson } from '../../src/proto/json.ts';
import { recordParts, xdsTypes } from '../../src/proto/resource.ts';
import type { Client } from '../../src/push/client.ts';
import { ClientsByFact } from '../../src/push/clients-by-fact.ts';
import { runs } from '../support/property-runs.ts';
import { type CompiledWorld, compiledWorld, runFlush } from '../support/world.ts';
import { arbitraryChange, arbitraryHistory, arbitraryProxy, finalWorld, proxies } from './compile-arbitraries.ts';

/** Everything that a proxy is told, with versions: equal text, equal bytes. Readable when it differs. */
function told(world: CompiledWorld, to: Proxy): string {
  const lines = xdsTypes.flatMap((type) =>
    [...world.table(type, to).values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(
        (it) =>
          `${type} ${it.name} ${contentHash(Buffer.concat(recordParts(it, 'delta')))} ${JSON.stringify(resourceToJson(type, it))}`,
      ),
  );
  return lines.join('\n');
}

/** Whether a proxy has one of the facts, as a coordinator reads them. */
function isConcerned(of: Proxy, moved: MovedProxies, compiler: Compiler): boolean {
  const all: ReadonlySet<Client> = new Set([{ proxy: of } as Client]); // nothing else of a client is read
  const byFact = new ClientsByFact(all, { labelsOf: compiler.labelsOf, joined: () => {}, left: () => {} });
  for (const client of all) byFact.add(client);
  return !byFact.affected(moved).next().done;
}

const freshWorld = (changes: readonly WorldChange[], coarseness: 'coarse' | 'exact' = 'coarse'): CompiledWorld => {
  const world = compiledWorld(createCompiler({ scopes: coarseness }));
  world.apply(...changes);
  return world;
};

describe('the compiler', () => {
  test('produces the same tables for any order of changes', () => {
    fc.assert(
      fc.property(arbitraryHistory, (history) => {
        const incremental = compiledWorld();
        for (const it of proxies) incremental.compiler.joined(it);
        const seen = new Set<LayerKey>();
        const layersNow = () => proxies.map((it) => incremental.layers(it));
        for (const batch of history) {
          const before = layersNow();
          for (const layer of before.flat()) seen.add(layer);
          const { moved } = incremental.apply(...batch);
          const after = layersNow();
          for (const [index, it] of proxies.entries()) {
            if (moved === null || !isConcerned(it, moved, incremental.compiler))
              expect(after[index]).toEqual(before[index]);
          }
        }
        for (const layer of seen) if (!layersNow().flat().includes(layer)) incremental.compiler.close(layer);
        const fresh = freshWorld(finalWorld(history));
        for (const it of proxies) {
          expect(incremental.layers(it)).toEqual(fresh.layers(it));
          expect(told(incremental, it)).toBe(told(fresh, it));
        }
        expect(incremental.problems()).toEqual(fresh.problems());
      }),
      { numRuns: runs(150) },
    );
  });

  test('gives proxies of a shared scope the configuration of a separate scope', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryChange, { minLength: 5, maxLength: 20 }),
        arbitraryProxy,
        arbitraryProxy,
        (changes, a, b) => {
          const shared = freshWorld(changes);
          const exact = freshWorld(changes, 'exact');
          expect(told(shared, a)).toBe(told(exact, a));
          if (shared.layers(a).join() === shared.layers(b).join()) expect(told(exact, a)).toBe(told(exact, b));
        },
      ),
      { numRuns: runs(150) },
    );
  });

  test('gives scopes that share hosts the configuration that each would have alone', () => {
    fc.assert(
      fc.property(arbitraryHistory, (history) => {
        const shared = compiledWorld();
        for (const batch of history) {
          shared.apply(...batch);
          for (const it of proxies) shared.layers(it);
        }
        for (const it of proxies) expect(told(shared, it)).toBe(told(freshWorld(finalWorld(history)), it));
      }),
      { numRuns: runs(15) },
    );
  });

  test('publishes nothing of an abandoned flush and everything of the next', () => {
    fc.assert(
      fc.property(arbitraryHistory, fc.nat(20), (history, steps) => {
        const interrupted = compiledWorld();
        for (const it of proxies) interrupted.layers(it);
        for (const batch of history) {
          interrupted.compiler.apply(batch);
          const flush = interrupted.compiler.flush();
          for (let step = 0; step < steps; step++) {
            const { done, value } = flush.next();
            if (done === true) return; // short enough to end by itself: other runs test what comes after
            expect(value).toBeUndefined();
          }
          flush.return(runFlush(createCompiler()));
        }
        const fresh = freshWorld(finalWorld(history));
        for (const it of proxies) expect(told(interrupted, it)).toBe(told(fresh, it));
      }),
      { numRuns: runs(60) },
    );
  });

  test('puts every domain into a route configuration once', () => {
    fc.assert(
      fc.property(fc.array(arbitraryChange, { minLength: 5, maxLength: 25 }), (changes) => {
        const world = freshWorld(changes);
        for (const it of proxies) {
          for (const resource of world.table('route', it).values()) {
            const { virtualHosts } = resourceToJson('route', resource) as { virtualHosts: { domains: string[] }[] }; // its schema
            const domains = virtualHosts.flatMap((host) => host.domains);
            expect(new Set(domains).size).toBe(domains.length);
            expect(domains).toContain('*');
          }
        }
      }),
      { numRuns: runs(60) },
    );
  });
});
