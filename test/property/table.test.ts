import fc from 'fast-check';
import { expect, it } from 'vitest';
import { recordParts } from '../../src/proto/resource.ts';
import { Table, type TableLimits } from '../../src/xds/tables/table.ts';
import { resource } from '../support/conversation.ts';
import { runs } from '../support/property-runs.ts';

const names = ['a', 'b', 'c', 'd'];
const flush = fc.dictionary(fc.constantFrom(...names), fc.option(fc.constantFrom('1', '2', '3')), { maxKeys: 4 });

/** Every state that the table went through, by revision. */
function play(flushes: readonly Record<string, string | null>[], limits: Partial<TableLimits>) {
  const table = new Table('cluster', limits);
  const states: ReadonlyMap<string, string>[] = [new Map()];
  for (const [index, changes] of flushes.entries()) {
    const state = new Map(states[index]);
    for (const [name, content] of Object.entries(changes)) {
      if (content === null) state.delete(name);
      else state.set(name, content);
    }
    const changed = Object.entries(changes).flatMap(([name, content]) =>
      content === null ? [] : [resource('cluster', name, content)],
    );
    const removed = Object.keys(changes).filter((name) => changes[name] === null);
    table.commit(index + 1, changed, removed);
    states.push(state);
  }
  return { table, states };
}

it('a reader at any revision that applies the difference has the contents of the table', () => {
  fc.assert(
    fc.property(fc.array(flush, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (flushes, logRecords) => {
      const { table, states } = play(flushes, { logRecords, tombstones: 100 });
      for (const [revision, state] of states.entries()) {
        const { changed, removed } = table.differenceSince(revision);
        const reader = new Map(state);
        for (const name of changed) reader.set(name, table.get(name)?.resource.version ?? 'missing');
        for (const name of removed.keys()) reader.delete(name);
        expect(reader).toEqual(states.at(-1));
      }
    }),
  );
});

it('a removed name that a reader has is always reported, even after the reader was away', () => {
  fc.assert(
    fc.property(fc.array(flush, { maxLength: 12 }), (flushes) => {
      const { table, states } = play(flushes, { logRecords: 2, tombstones: 100 });
      for (const [revision, state] of states.entries()) {
        const { removed } = table.differenceSince(revision);
        for (const name of state.keys()) if (table.get(name) === undefined) expect(removed.has(name)).toBe(true);
      }
    }),
  );
});

it('it reports the revision up to which it drops removals', () => {
  fc.assert(
    fc.property(fc.array(flush, { maxLength: 12 }), fc.integer({ min: 0, max: 2 }), (flushes, tombstones) => {
      const { table, states } = play(flushes, { logRecords: 2, tombstones });
      for (const [revision, state] of states.entries()) {
        if (revision < table.forgottenThrough) continue;
        const { removed } = table.differenceSince(revision);
        for (const name of state.keys()) if (table.get(name) === undefined) expect(removed.has(name)).toBe(true);
      }
    }),
  );
});

it('the log has the earlier versions unchanged', () => {
  fc.assert(
    fc.property(fc.array(flush, { maxLength: 12 }), (flushes) => {
      const { table, states } = play(flushes, { logRecords: 100, tombstones: 100 });
      for (const [revision, state] of states.entries()) {
        const known = [...table.namesAt(revision)].filter(([, resource]) => resource !== null);
        expect(new Map(known.map(([name, resource]) => [name, resource?.version]))).toEqual(state);
        for (const name of names) expect(table.resourceAt(name, revision)?.version).toBe(state.get(name));
      }
    }),
  );
});

it('its answers about earlier revisions are correct with any size of log', () => {
  const limits = fc.record({
    logRecords: fc.integer({ min: 1, max: 4 }),
    tombstones: fc.integer({ min: 0, max: 2 }),
    oldBytes: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(flush, { maxLength: 12 }), limits, (flushes, limits) => {
      const { table, states } = play(flushes, limits);
      for (const [revision, state] of states.entries()) {
        for (const [name, resource] of table.namesAt(revision)) {
          if (resource !== null) expect(resource.version).toBe(state.get(name));
        }
        for (const name of names) {
          const recalled = table.resourceAt(name, revision);
          if (recalled === null && revision >= table.forgottenThrough) expect(state.has(name)).toBe(false);
          if (recalled) expect(recalled.version).toBe(state.get(name));
        }
      }
    }),
    { numRuns: runs(300) },
  );
});

it('a whole body contains every record and is built once per revision', () => {
  const { table } = play([{ a: '1' }, { b: '1' }], { logRecords: 2, tombstones: 2 });
  const body = table.wholeBody('delta');
  const records = [...table.entries.values()].flatMap((entry) => recordParts(entry.resource, 'delta'));
  expect(Buffer.compare(Buffer.concat(body), Buffer.concat(records))).toBe(0);
  expect(table.wholeBody('delta')).toBe(body);
});
