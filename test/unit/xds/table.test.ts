import { describe, expect, it } from 'vitest';
import { type EncodedResource, noRest } from '../../../src/proto/resource.ts';
import { Table } from '../../../src/xds/tables/table.ts';

const resourceOf = (name: string, version: number, bytes: number): EncodedResource => ({
  name,
  version: `${version}`,
  start: Buffer.alloc(bytes),
  sotwOffset: 0,
  rest: noRest,
  byteLength: bytes,
});

/** The versions of a name that are still known after ten changes of it, in a table of one resource of this size. */
function rememberedOf(bytes: number, limits = {}): readonly number[] {
  const table = new Table('route', limits);
  for (let revision = 1; revision <= 10; revision++) table.commit(revision, [resourceOf('a', revision, bytes)], []);
  return Array.from({ length: 10 }, (_, index) => index + 1).filter((revision) => table.resourceAt('a', revision));
}

describe('the log of a table', () => {
  it('has twice the size of the table: enough for responses in flight', () => {
    expect(rememberedOf(1 << 20)).toEqual([8, 9, 10]);
  });

  it('has a quarter of a megabyte for a small table', () => {
    expect(rememberedOf(1 << 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(rememberedOf(100 << 10)).toEqual([8, 9, 10]);
  });

  it('never exceeds the limit', () => {
    expect(rememberedOf(1 << 20, { oldBytes: 1 << 20 })).toEqual([9, 10]);
    expect(rememberedOf(1 << 20, { oldBytes: 0 })).toEqual([10]);
  });

  it('keeps removals longer than changes, the newest first', () => {
    const table = new Table('cluster', { logRecords: 1 });
    expect(goneOf(table)).toEqual(['c8', 'c9']);
  });

  it('has removed names that existed before the log began', () => {
    const table = new Table('cluster', { logRecords: 1 });
    goneOf(table);
    const known = [...table.namesAt(10)].flatMap(([name, resource]) => (resource === null ? [] : [name]));
    expect(known).toEqual(['c8', 'c9']);
  });

  it('has the same size after names were added and removed a hundred times', () => {
    const table = new Table('cluster', { logRecords: 1 });
    for (let round = 0; round < 99; round++) goneOf(table);
    expect(goneOf(table)).toEqual(['c8', 'c9']);
  });
});

/** Ten names of 100 KB come and go one by one: those whose bytes are still known to a reader that has them all. */
function goneOf(table: Table): readonly string[] {
  const names = Array.from({ length: 10 }, (_, index) => `c${index}`);
  let revision = table.revision;
  const changed = names.map((name) => resourceOf(name, ++revision, 100 << 10));
  table.commit(revision, changed, []);
  const since = revision;
  for (const name of names) table.commit(++revision, [], [name]);
  const { removed } = table.differenceSince(since);
  expect([...removed.keys()]).toEqual(names);
  return [...removed].flatMap(([name, resource]) => (resource === null ? [] : [name]));
}
