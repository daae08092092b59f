import { expect, test } from 'vitest';
import { integerWeights } from '../../../../adapters/nacos/weights.ts';

for (const { given, want } of [
  { given: [1, 1], want: [1, 1] },
  { given: [0.3, 1], want: [3, 10] },
  { given: [0.25, 2], want: [25, 200] },
  { given: [0, 5], want: [1, 5] },
  { given: [10_000, 0.5], want: [100_000, 5] },
  { given: [0.12345], want: [123] },
  { given: [], want: [] },
]) {
  test(`weights ${given} become ${want}`, () => {
    expect(integerWeights(given)).toEqual(want);
  });
}

test('weights keep their ratio and stay below the limit of a locality', () => {
  const weights = integerWeights([...Array.from({ length: 9_999 }, () => 10_000), 5_000.5]);
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThanOrEqual(4_294_967_295);
  expect((weights[0] ?? 0) / (weights.at(-1) ?? 1)).toBeCloseTo(2, 2);
});
