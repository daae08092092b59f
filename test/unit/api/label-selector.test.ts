import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from '../../../src/api/rules/selectors/labels.ts';

const labels = { app: 'shop', tier: '2', empty: '', 'a.b/c': 'd' };

describe('a label selector', () => {
  for (const [text, want] of [
    ['', true],
    ['app=shop', true],
    ['app==shop', true],
    [' app = shop , tier ', true],
    ['app=shop,tier=3', false],
    ['app!=shop', false],
    ['none!=shop', true],
    ['app', true],
    ['none', false],
    ['!app', false],
    ['! none', true],
    ['app in (shop)', true],
    ['app in (books, shop)', true],
    ['app in (books)', false],
    ['none in (shop)', false],
    ['app notin (shop)', false],
    ['app notin (books),tier', true],
    ['none notin (shop)', true],
    ['empty=', true],
    ['empty', true],
    ['app=', false],
    ['empty in ()', true],
    ['empty in (x,)', true],
    ['a.b/c=d', true],
    ['tier>1', true],
    ['tier>2', false],
    ['tier<3', true],
    ['app>1', false],
    ['none<1', false],
    ['in=x', false],
    ['toString', false],
  ] as const) {
    it(`${JSON.stringify(text)} ${want ? 'selects' : 'does not select'}`, () => {
      const parsed = parseLabelSelector(text);
      expect(parsed.ok && parsed.value(labels)).toBe(want);
    });
  }

  for (const [text, says] of [
    ['app=shop,', 'expected the key of a label, found the end'],
    [',app', 'expected the key of a label, found ","'],
    ['=shop', 'expected the key of a label, found "="'],
    ['app shop', 'after "app" expected =, ==, !=, in, notin, < or >, found "shop"'],
    ['app=shop tier', 'expected a comma before "tier"'],
    ['app in shop', 'expected a list of values in parentheses, found "shop"'],
    ['app in (a b)', 'expected "," or ")" in the list of values, found "b"'],
    ['app in (a', 'found the end'],
    ['tier>x', 'expected a whole number, found "x"'],
    ['-app', '"-app": a key must be letters'],
    ['app=-x', '"-x": must be letters'],
    ['A_b/c=d', 'its prefix must be a DNS name'],
    ['!', 'expected the key of a label, found the end'],
  ] as const) {
    it(`${JSON.stringify(text)} is rejected`, () => {
      const parsed = parseLabelSelector(text);
      expect(parsed.ok ? 'was taken' : parsed.error).toContain(says);
    });
  }
});
