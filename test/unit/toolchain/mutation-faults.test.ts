import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** A file, a text in it, and what the fault puts in its place. */
type Fault = readonly [file: string, find: string, replace: string];

const root = join(import.meta.dirname, '../../..');

test('every fault of scripts/mutate.mjs can be applied: its text occurs once in its file', async () => {
  const path = join(root, 'test/mutation/faults.mjs');
  const { faults } = (await import(path)) as { faults: readonly Fault[] }; // as its own comment declares
  const counts = await Promise.all(
    faults.map(async ([file, find]) => {
      const text = await readFile(join(root, file), 'utf8');
      return { file, find, count: text.split(find).length - 1 };
    }),
  );
  expect(counts.filter(({ count }) => count !== 1)).toEqual([]);
});
