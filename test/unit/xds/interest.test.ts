import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Holder, type Interest, InterestPool } from '../../../src/xds/tables/interest.ts';
import { InterestIndex } from '../../../src/xds/tables/interest-index.ts';
import { NamePool, type NameSet } from '../../../src/xds/tables/names.ts';
import { Table } from '../../../src/xds/tables/table.ts';

const holder = (): Holder => ({ marks: 0, sender: null });

/** Few names, many, or all. */
const wanted = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 4 }),
  fc.constant(Array.from({ length: 100 }, (_, at) => at)),
  fc.constant(null),
);

it('a commit marks only the holders of the changed names', () => {
  const changes = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 5 }), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(fc.array(wanted, { maxLength: 400 }), fc.nat(400), changes, (wants, kept, commits) => {
      const [pool, names, table] = [new InterestPool(), new NamePool(), new Table('endpoint')];
      const held = wants.map((want) => {
        const set = names.of((want ?? []).map(String));
        const by = holder();
        return {
          want,
          by,
          interest: pool.acquire('endpoint', { tables: [table], wildcard: want === null, names: set }, by),
        };
      });
      const [staying, leaving] = [held.slice(0, kept), held.slice(kept)];
      for (const { interest, by } of leaving) pool.release(interest, by);
      for (const [at, changed] of commits.entries()) {
        for (const { by } of held) by.marks = 0;
        pool.committed(table, at + 1, changed.map(String), () => {});
        const isConcerned = ({ want }: { readonly want: readonly number[] | null }) =>
          want === null || want.some((name) => changed.includes(name));
        expect(staying.filter(({ by }) => by.marks !== 0)).toEqual(staying.filter(isConcerned));
        expect(leaving.every(({ by }) => by.marks === 0)).toBe(true);
      }
      for (const { interest, by } of staying) pool.release(interest, by);
      expect([pool.size, pool.tables]).toEqual([0, 0]);
    }),
    { numRuns: 60 },
  );
});

it('a change of one name visits the interests in it, not those of ten thousand others', () => {
  const [pool, names, table] = [new InterestPool(), new NamePool(), new Table('endpoint')];
  let looks = 0;
  const counted = (set: NameSet): NameSet => ({
    id: set.id,
    size: set.size,
    get names() {
      looks++;
      return set.names;
    },
    has: (name) => {
      looks++;
      return set.has(name);
    },
  });
  const interests = Array.from({ length: 10_000 }, (_, at): [Interest, Holder] => {
    const by = holder();
    const set = counted(names.of([`own-${at}`, `shared-${at % 1_000}`]));
    return [pool.acquire('endpoint', { tables: [table], wildcard: false, names: set }, by), by];
  });
  looks = 0;
  pool.committed(table, 1, ['shared-7'], () => {});
  expect(interests.filter(([, { marks }]) => marks !== 0)).toHaveLength(10);
  expect(looks).toBeLessThan(20);
});

it('cached results of a table are recomputed once it has changed', () => {
  const [pool, names, table] = [new InterestPool(), new NamePool(), new Table('endpoint')];
  const resource = { start: Buffer.alloc(1), sotwOffset: 0, rest: [], byteLength: 1 };
  const interest = pool.acquire('endpoint', { tables: [table], wildcard: true, names: names.empty }, holder());
  table.commit(1, [{ ...resource, name: 'a', version: '1' }], []);
  expect(interest.differenceFrom({ kind: 'cursor', revision: 0 }).changed).toEqual(['a']);
  table.commit(2, [{ ...resource, name: 'b', version: '1' }], []);
  expect(interest.differenceFrom({ kind: 'cursor', revision: 0 }).changed.toSorted()).toEqual(['a', 'b']);
  expect([...interest.knownVersionsAt(2, () => 1).versions.keys()].sort()).toEqual(['a', 'b']);
});

it('an interest without holders is not found by its names', () => {
  const [pool, names, index] = [new InterestPool(), new NamePool(), new InterestIndex<Interest>()];
  const interests = Array.from({ length: 300 }, (_, at) => {
    const set = names.of(['shared', `own-${at}`]);
    return pool.acquire('endpoint', { tables: [], wildcard: false, names: set }, holder());
  });
  for (const interest of interests) index.add(interest);
  const [gone, ...left] = interests;
  if (gone !== undefined) index.delete(gone);
  expect([...index.matching(new Set(['shared', 'own-0', 'own-1']))]).toEqual(left);
});
