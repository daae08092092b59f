import { expect, it, vi } from 'vitest';
import { stringField } from '../../../src/proto/wire.ts';
import { NamePool } from '../../../src/xds/names.ts';

const field = (...names: string[]) => Buffer.concat(names.map((name) => stringField(3, name)));

it('equal sets are one object, however they are written', () => {
  const pool = new NamePool();
  expect(pool.fromField(field('b', 'a', 'b'))).toBe(pool.of(['a', 'b']));
});

it('a long list that was seen before is the set that it was then', () => {
  const pool = new NamePool();
  const names = Array.from({ length: 50 }, (_, index) => `outbound|80||service-${index}`);
  expect(pool.fromField(field(...names))).toBe(pool.fromField(field(...names)));
  expect(pool.fromField(field(...names)).names).toEqual([...names].sort());
});

for (const [one, other] of [
  [['a\nb'], ['a', 'b']],
  [[''], []],
  [['1:a'], ['a']],
] as const) {
  it(`${JSON.stringify(one)} is not taken for ${JSON.stringify(other)}`, () => {
    const pool = new NamePool();
    const first = pool.of(one);
    expect(pool.of(other)).not.toBe(first);
    expect(pool.of(other).names).toEqual(other);
  });
}

it('union and difference of a set with itself or with nothing make no new set', () => {
  const pool = new NamePool();
  const set = pool.of(['a', 'b']);
  expect(pool.union(set, pool.of(['a']))).toBe(set);
  expect(pool.union(pool.empty, set)).toBe(set);
  expect(pool.difference(set, set)).toBe(pool.empty);
  expect(pool.difference(set, pool.empty)).toBe(set);
});

it('the same union of a thousand clients is made once', () => {
  const pool = new NamePool();
  const set = pool.of(['a', 'b']);
  const added = pool.of(['c']);
  const union = pool.union(set, added);
  const make = vi.spyOn(pool, 'of');
  for (let client = 0; client < 1_000; client++) expect(pool.union(set, added)).toBe(union);
  expect(make).not.toHaveBeenCalled();
  expect(pool.union(set, pool.of(['d'])).names).toEqual(['a', 'b', 'd']);
});
