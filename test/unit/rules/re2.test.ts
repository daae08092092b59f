import { describe, expect, it } from 'vitest';
import { programSize, programSizeAtMost } from '../../../src/rules/re2/program-size.ts';
import { re2Text } from '../../../src/rules/re2/re2-text.ts';
import { badExpressions, goodExpressions, hugeExpression, roughExpressions } from '../../support/expressions.ts';

const messageOf = (text: string) => re2Text.safeParse(text).error?.issues[0]?.message;

describe("Envoy's regular expressions", () => {
  for (const [text, size] of Object.entries(goodExpressions)) {
    it(`counts ${size} instructions of ${text}`, () => {
      expect(messageOf(text)).toBeUndefined();
      expect(programSize(text)).toBe(size);
    });
  }

  for (const [text, size] of Object.entries(roughExpressions)) {
    it(`counts about ${size} instructions of ${text}`, () => {
      expect(Math.abs(programSize(text) - size)).toBeLessThan(10);
    });
  }

  for (const [text, says] of Object.entries(badExpressions)) {
    it(`refuses ${text}`, () => {
      expect(messageOf(text)).toContain(says);
    });
  }

  it('refuses expressions that are too large for every Envoy', () => {
    expect(messageOf(hugeExpression)).toBe('too large for Envoy: RE2 would need more than 32768 instructions');
    expect(messageOf('[a-z]{1000}'.repeat(32))).toBeUndefined();
  });

  it('returns an upper bound for short expressions that it does not count', () => {
    for (const text of ['\\W'.repeat(12), '\\pL'.repeat(8), '日'.repeat(25), '(a?)'.repeat(6)]) {
      expect(programSize(text)).toBeLessThanOrEqual(programSizeAtMost(text));
    }
  });
});
