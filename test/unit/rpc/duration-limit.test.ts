import { expect, it } from 'vitest';
import { DurationLimit } from '../../../src/rpc/duration-limit.ts';
import { fakeClock } from '../../support/fake-clock.ts';

function watched() {
  const clock = fakeClock();
  let told = 0;
  const limit = new DurationLimit({ ...clock, elapsed: clock.now }, 1000, () => {
    told++;
  });
  return { clock, limit, told: () => told };
}

it('reports an event that does not end in time, counted from its beginning', () => {
  const { clock, limit, told } = watched();
  limit.begin();
  clock.advance(500);
  limit.begin(); // already begun
  clock.advance(499);
  expect(told()).toBe(0);
  clock.advance(1);
  expect(told()).toBe(1);
});

it('does not report an event that ended, and measures the next from its own beginning', () => {
  const { clock, limit, told } = watched();
  for (let round = 0; round < 5; round++) {
    limit.begin();
    clock.advance(700);
    limit.end();
  }
  expect(told()).toBe(0);
  limit.begin();
  clock.advance(999);
  expect(told()).toBe(0);
  clock.advance(1);
  expect(told()).toBe(1);
});

it('reports nothing once it is stopped', () => {
  const { clock, limit, told } = watched();
  limit.begin();
  limit.stop();
  clock.advance(10_000);
  expect(told()).toBe(0);
});
