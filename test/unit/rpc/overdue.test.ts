import { expect, it } from 'vitest';
import { Overdue } from '../../../src/rpc/overdue.ts';
import { fakeClock } from '../../support/fake-clock.ts';

function watched() {
  const clock = fakeClock();
  let told = 0;
  const overdue = new Overdue({ ...clock, elapsed: clock.now }, 1000, () => {
    told++;
  });
  return { clock, overdue, told: () => told };
}

it('reports an event that does not end in time, counted from its beginning', () => {
  const { clock, overdue, told } = watched();
  overdue.begin();
  clock.advance(500);
  overdue.begin(); // already begun
  clock.advance(499);
  expect(told()).toBe(0);
  clock.advance(1);
  expect(told()).toBe(1);
});

it('does not report an event that ended, and measures the next from its own beginning', () => {
  const { clock, overdue, told } = watched();
  for (let round = 0; round < 5; round++) {
    overdue.begin();
    clock.advance(700);
    overdue.end();
  }
  expect(told()).toBe(0);
  overdue.begin();
  clock.advance(999);
  expect(told()).toBe(0);
  clock.advance(1);
  expect(told()).toBe(1);
});

it('reports nothing once it is stopped', () => {
  const { clock, overdue, told } = watched();
  overdue.begin();
  overdue.stop();
  clock.advance(10_000);
  expect(told()).toBe(0);
});
