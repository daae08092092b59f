import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import { sleep } from '../../../src/lib/sleep.ts';
import { fakeClock } from '../../support/fake-clock.ts';

it('resolves after the time, or at once when its signal aborts, and leaves no timer', async () => {
  const time = fakeClock(0);
  const fired: number[] = [];
  const clock: Clock = {
    now: time.now,
    after: (ms, run) =>
      time.after(ms, () => {
        fired.push(time.now());
        run();
      }),
  };
  const over = new AbortController();
  let woken = 0;
  const wait = () => void sleep(clock, 1_000, over.signal).then(() => woken++);
  const pass = async (ms: number) => {
    time.advance(ms);
    await turn();
    return woken;
  };
  wait();
  expect(await pass(999)).toBe(0);
  expect(await pass(1)).toBe(1);
  wait();
  over.abort();
  expect(await pass(0)).toBe(2);
  wait(); // aborted before it begins
  expect(await pass(0)).toBe(3);
  await pass(10_000);
  expect(fired).toEqual([1_000]);
});
