import { expect, it } from 'vitest';
import { median, quantile } from '../../bench/report/quantile.ts';

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

for (const { values, q, want } of [
  { values: hundred, q: 0.5, want: 50 },
  { values: hundred, q: 0.99, want: 99 },
  { values: [3, 1, 2], q: 0.99, want: 3 },
  { values: [3, 1, 2], q: 0, want: 1 },
  { values: [], q: 0.5, want: Number.NaN },
]) {
  it(`finds the ${q} quantile of ${values.length} values`, () => {
    expect(quantile(values, q)).toBe(want);
  });
}

it('leaves the values as they are', () => {
  const values = [3, 1, 2];
  expect(median(values)).toBe(2);
  expect(values).toEqual([3, 1, 2]);
});
