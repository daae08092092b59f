import { expect, it, vi } from 'vitest';
import { steadyClock } from '../../../src/lib/clock.ts';

it('the steady clock ignores changes of the system time', () => {
  const before = steadyClock.now();
  expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  try {
    expect(steadyClock.now()).toBeGreaterThanOrEqual(before);
  } finally {
    vi.useRealTimers();
  }
});
