/** Factors that make weights integers; the model has no fractions. */
const factors = [1, 10, 100, 1_000];
/** Envoy's limit for the sum of the weights of a locality. */
const maxSum = 4_294_967_295;

/**
 * Converts Nacos' weights (0 to 10,000, fractions allowed) to integers of the same ratio: 0.3 and 1 become 3 and 10.
 * Integers stay, so that endpoints of other platforms, of weight 1, compare with them. 0 becomes 1: whoever has it is
 * not called.
 */
export function integerWeights(weights: readonly number[]): readonly number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const usable = factors.filter((factor) => sum * factor <= maxSum);
  const exact = usable.find((factor) => weights.every((weight) => isNearlyInteger(weight * factor)));
  const factor = exact ?? usable.at(-1) ?? maxSum / sum / 2;
  return weights.map((weight) => Math.max(1, Math.round(weight * factor)));
}

const isNearlyInteger = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-6;
