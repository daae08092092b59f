import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeSorted } from '../../../src/lib/merge-sorted.ts';

const byNumber = (a: number, b: number): number => a - b;
const inOrder = fc.array(fc.integer({ min: 0, max: 20 })).map((numbers) => numbers.sort(byNumber));

test('merges both lists in order', () => {
  fc.assert(
    fc.property(inOrder, inOrder, (a, b) => {
      expect(mergeSorted(a, b, byNumber)).toEqual([...a, ...b].sort(byNumber));
    }),
  );
});
