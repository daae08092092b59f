/** Nanoseconds per unit: the product with a decimal fraction of a smaller unit stays exact. */
const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // micro sign
  μs: 1e3, // Greek mu
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
};

/** Returns a validated duration (`1h30m`, `1.5s`, `0`) in milliseconds, rounded to whole ones. */
export const durationMs = (text: string): number => Math.round(exactMs(text));

/** Returns a duration in milliseconds, including fractions. Of other text, counts the durations at its start. */
export function exactMs(text: string): number {
  let sum = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/([\d.]+)([a-zµμ]+)/gy)) {
    sum += Number(amount) * (nanoseconds[unit] ?? 0);
  }
  return sum / 1e6;
}
