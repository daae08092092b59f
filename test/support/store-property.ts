import fc from 'fast-check';
import { expect } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import type { RuleStore, StoreChange, StoreWrite } from '../../src/rules/store.ts';
import { draft, keyOfDraft } from './drafts.ts';
import { fakeClock } from './fake-clock.ts';
import { changeLine } from './store-transactions.ts';

interface Asked {
  readonly type: 'create' | 'update' | 'apply' | 'restore' | 'remove';
  readonly name: string;
  readonly v: number;
  readonly expects: 'nothing' | 'right' | 'wrong';
}
interface AskedTransaction {
  readonly writes: readonly Asked[];
  readonly dryRun: boolean;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  type: fc.constantFrom('create', 'update', 'apply', 'restore', 'remove'),
  name: fc.constantFrom('a', 'b', 'c'),
  v: fc.integer({ min: 0, max: 2 }),
  expects: fc.constantFrom('nothing', 'nothing', 'right', 'wrong'),
});
const transaction: fc.Arbitrary<AskedTransaction> = fc.record({
  writes: fc.array(asked, { minLength: 1, maxLength: 4 }),
  dryRun: fc.boolean(),
});
/** Transactions of an inner array are concurrent. */
const histories = fc.array(fc.array(transaction, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });

/** Compares a store with the simplest possible one, for the same transactions. */
export async function historyProperty(open: (clock: Clock) => Promise<RuleStore>, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const store = await open(fakeClock());
      const model = modelStore();
      const told: StoreChange[] = [];
      store.subscribe((changes) => told.push(...changes));
      try {
        for (const together of history) {
          const expected = together.map((one) => model.transact(one));
          const results = await Promise.all(
            expected.map(({ writes, dryRun }) => store.transact(writes, { author: 'ann', dryRun })),
          );
          expect(results.map(summary)).toEqual(expected.map(({ result }) => result));
        }
        const { items, resourceVersion } = await store.list('VirtualService');
        expect(items.map(({ metadata, spec }) => [metadata.name, spec, metadata.resourceVersion])).toEqual(
          model.list(),
        );
        expect(resourceVersion).toBe(String(model.told.length));
        expect(told.map(changeLine)).toEqual(model.told);
        expect(store.changesSince('0', 'VirtualService')).toEqual(told);
      } finally {
        await store.close();
      }
    }),
    { numRuns: runs },
  );
}

const summary = (result: Awaited<ReturnType<RuleStore['transact']>>): string =>
  result.ok
    ? result.value.map(({ action, object }) => `${action} ${object.metadata.resourceVersion}`).join(', ')
    : `${result.error.refusal.type} at ${result.error.index}`;

interface ModelObject {
  readonly v: number;
  readonly version: number;
}

function modelStore() {
  let objects: ReadonlyMap<string, ModelObject> = new Map();
  const told: string[] = [];

  /** Runs a transaction: the writes for the store, and the expected results. */
  const transact = ({ writes, dryRun }: AskedTransaction) => {
    const next = new Map(objects);
    const lines: string[] = [];
    const actions: string[] = [];
    const given: StoreWrite[] = [];
    let refused: string | null = null; // writes after a refusal are not decided
    for (const [index, one] of writes.entries()) {
      const there = next.get(one.name);
      given.push(writeOf(one, there));
      const refusal = refusalOf(one, there);
      if (refusal !== null) refused ??= `${refusal} at ${index}`;
      if (refused !== null) continue;
      const shown = (version: number) => (dryRun ? (objects.get(one.name)?.version ?? '') : version);
      if (one.type !== 'remove' && there?.v === one.v) {
        actions.push(`unchanged ${shown(there.version)}`);
        continue;
      }
      const version = told.length + lines.length + 1;
      if (one.type === 'remove') {
        next.delete(one.name);
        lines.push(`removed ${one.name} ${version}`);
        actions.push(`removed ${shown(there?.version ?? 0)}`);
      } else {
        next.set(one.name, { v: one.v, version });
        lines.push(`put ${one.name} ${version}`);
        actions.push(`${there === undefined ? 'created' : 'updated'} ${shown(version)}`);
      }
    }
    if (refused === null && !dryRun) {
      objects = next;
      told.push(...lines);
    }
    return { writes: given, dryRun, result: refused ?? actions.join(', ') };
  };

  return {
    told,
    transact,
    list: () =>
      [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { v, version }]) => [name, { v }, String(version)]),
  };
}

function refusalOf({ type, expects }: Asked, there: ModelObject | undefined): string | null {
  if (type === 'create') return there === undefined ? null : 'exists';
  if (type === 'apply' || type === 'restore') return null;
  if (there === undefined) return 'missing';
  return expects === 'wrong' ? 'conflict' : null;
}

function writeOf({ type, name, v, expects }: Asked, there: ModelObject | undefined): StoreWrite {
  const object = draft({ name, spec: { v } });
  const right = there === undefined ? null : String(there.version);
  const expectedResourceVersion = expects === 'nothing' ? null : expects === 'right' ? right : '999';
  switch (type) {
    case 'remove':
      return { type, key: keyOfDraft({ name }), expectedResourceVersion };
    case 'update':
      return { type, draft: object, expectedResourceVersion };
    case 'restore':
      return { type, draft: object, creationTimestamp: null, uid: null };
    default:
      return { type, draft: object };
  }
}
