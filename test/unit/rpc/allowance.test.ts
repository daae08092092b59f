import { expect, it } from 'vitest';
import { Allowance } from '../../../src/rpc/allowance.ts';

const taken = (allowance: Allowance, nowMs: number, times: number): number =>
  Array.from({ length: times }, () => allowance.take(nowMs)).filter(Boolean).length;

it('allows a burst at once, then the rate per second, and accumulates no more than the burst', () => {
  const allowance = new Allowance({ burst: 5, perSecond: 2 }, 0);
  expect(taken(allowance, 0, 9)).toBe(5);
  expect(taken(allowance, 499, 1)).toBe(0);
  expect(taken(allowance, 1500, 9)).toBe(2);
  expect(taken(allowance, 1_000_000, 9)).toBe(5);
});

it('ignores a clock that goes back', () => {
  const allowance = new Allowance({ burst: 1, perSecond: 1 }, 10_000);
  expect(allowance.take(0)).toBe(true);
  expect(allowance.take(500)).toBe(false);
});

it('accepts returned tokens up to the burst', () => {
  const allowance = new Allowance({ burst: 3, perSecond: 0 }, 0);
  expect(taken(allowance, 0, 3)).toBe(3);
  allowance.give(0.5);
  expect(allowance.take(0)).toBe(false);
  allowance.give(100);
  expect(taken(allowance, 0, 9)).toBe(3);
});
