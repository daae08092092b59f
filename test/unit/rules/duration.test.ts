import { describe, expect, test } from 'vitest';
import { durationMs } from '../../../src/rules/duration.ts';
import { duration, positiveDuration } from '../../../src/rules/fields.ts';

describe('a duration', () => {
  for (const [text, ms] of [
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['1h30m', 5_400_000],
    ['1m0.5s', 60_500],
    ['.5s', 500],
    ['1.s', 1_000],
    ['1500us', 2],
    ['1500µs', 2],
    ['2000000ns', 2],
    ['0.001s', 1],
    ['0', 0],
    ['0s', 0],
  ] as const) {
    test(`${text} is ${ms} ms`, () => {
      expect(duration.safeParse(text).success).toBe(true);
      expect(durationMs(text)).toBe(ms);
    });
  }

  for (const text of ['', '10', 's', '1.2.3s', '-1s', '1 s', '10S', '1d', '1s 2s', '.s', '999us', '9999999999h']) {
    test(`"${text}" is not a duration`, () => expect(duration.safeParse(text).success).toBe(false));
  }

  test('that must be positive is not 0', () => {
    expect(['0', '0s', '0.0ms', '1ms'].map((text) => positiveDuration.safeParse(text).success)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  test('is read in time linear in its length', () => {
    const text = `${'9'.repeat(50_000)}.${'9'.repeat(50_000)}`;
    expect(duration.safeParse(text).success).toBe(false);
  });
});
