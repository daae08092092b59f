import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { stringField } from '../../../src/proto/wire.ts';
import { NamePool, TooManyNames } from '../../../src/xds/tables/names.ts';

const field = (...names: string[]) => Buffer.concat(names.map((name) => stringField(3, name)));

it('equal sets are one object, for any order of names', () => {
  const pool = new NamePool();
  expect(pool.fromField(field('b', 'a', 'b'))).toBe(pool.of(['a', 'b']));
});

it('a long list that occurs again is the same set', () => {
  const pool = new NamePool();
  const names = Array.from({ length: 50 }, (_, index) => `outbound|80||service-${index}`);
  expect(pool.fromField(field(...names))).toBe(pool.fromField(field(...names)));
  expect(pool.fromField(field(...names)).names).toEqual(names);
});

it('an unchanged list is not parsed again, for any number of other lists of its length', () => {
  const pool = new NamePool();
  const lists = Array.from({ length: 9 }, (_, list) =>
    Array.from({ length: 100 }, (_, at) => `name-${list}-${at + 100}`),
  );
  const sets = lists.map((names) => pool.fromField(field(...names)));
  const { work } = pool;
  for (const [at, names] of lists.entries()) expect(pool.fromField(field(...names), sets[at])).toBe(sets[at]);
  expect(pool.work).toBe(work);
});

for (const [one, other] of [
  [['a\nb'], ['a', 'b']],
  [[''], []],
  [['1:a'], ['a']],
] as const) {
  it(`${JSON.stringify(one)} differs from ${JSON.stringify(other)}`, () => {
    const pool = new NamePool();
    const first = pool.of(one);
    expect(pool.of(other)).not.toBe(first);
    expect(pool.of(other).names).toEqual(other);
  });
}

it('union and difference of a set with itself or the empty set make no new set', () => {
  const pool = new NamePool();
  const set = pool.of(['a', 'b']);
  expect(pool.union(set, pool.of(['a']))).toBe(set);
  expect(pool.union(pool.empty, set)).toBe(set);
  expect(pool.difference(set, set)).toBe(pool.empty);
  expect(pool.difference(set, pool.empty)).toBe(set);
});

it('the same union of a thousand clients is computed once', () => {
  const pool = new NamePool();
  const set = pool.of(['a', 'b']);
  const added = pool.of(['c']);
  const union = pool.union(set, added);
  const make = vi.spyOn(pool, 'of');
  for (let client = 0; client < 1_000; client++) expect(pool.union(set, added)).toBe(union);
  expect(make).not.toHaveBeenCalled();
  expect(pool.union(set, pool.of(['d'])).names).toEqual(['a', 'b', 'd']);
});

const many = (count: number) => Array.from({ length: count }, (_, index) => `outbound|80||service-${index}`);

describe('a large set', () => {
  it('has a cost proportional to its change: adding or removing a name visits no other', () => {
    const pool = new NamePool();
    let set = pool.of(many(50_000));
    const before = pool.work;
    for (let time = 0; time < 20; time++) {
      const one = pool.of([`more-${time}`]);
      set = pool.union(set, one);
      if (time % 2 === 0) set = pool.difference(set, one);
    }
    expect(pool.work - before).toBeLessThan(200);
    expect(set.size).toBe(50_010);
    expect([set.has('more-1'), set.has('more-2'), set.has('outbound|80||service-7')]).toEqual([true, false, true]);
  });

  it('is rejected as soon as it exceeds the limit', () => {
    const pool = new NamePool({ maxNamesPerType: 100 });
    const full = pool.fromField(field(...many(100)));
    expect(() => pool.fromField(field(...many(101)))).toThrow(TooManyNames);
    expect(() => pool.union(full, pool.of(['x']))).toThrow(
      'more than 100 names of one type on one stream (xds.limits.maxNamesPerType)',
    );
    expect(pool.union(full, pool.of(many(3)))).toBe(full);
  });
});

it('sets that are derived from others equal the sets of their names', () => {
  const someNames = fc.array(fc.constantFrom(...'abcdefgh'), { maxLength: 4 });
  const step = fc.record({ from: fc.nat(20), adds: fc.boolean(), names: someNames });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pool = new NamePool();
      const plain = [new Set('abcd')];
      const sets = [pool.of('abcd')];
      for (const { from, adds, names } of steps) {
        const at = from % sets.length;
        const [set = pool.empty, before = new Set<string>()] = [sets[at], plain[at]];
        const other = pool.of(names);
        sets.push(adds ? pool.union(set, other) : pool.difference(set, other));
        plain.push(adds ? before.union(new Set(names)) : before.difference(new Set(names)));
      }
      for (const [index, want] of plain.entries()) {
        const set = sets[index];
        expect([...(set?.names ?? [])].sort()).toEqual([...want].sort());
        expect(set?.size).toBe(want.size);
        expect([...'abcdefgh'].filter((name) => set?.has(name))).toEqual([...want].sort());
        expect(pool.of(want)).toBe(set);
      }
    }),
  );
});
