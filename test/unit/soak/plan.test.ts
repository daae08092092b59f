import { expect, it } from 'vitest';
import { judgePlanOf, soakPlanOf } from '../../soak/plan.ts';

it('grows with the requested time: more minutes, more rounds of equal length', () => {
  const [two, ten] = [soakPlanOf(['--minutes', '2'], 1), soakPlanOf(['--minutes', '10'], 1)];
  expect(ten.rounds).toBeGreaterThan(two.rounds);
  expect({ ...ten, rounds: two.rounds }).toEqual(two);
  expect(soakPlanOf([], 1)).toEqual(ten);
});

it('uses the given seed, otherwise a random one', () => {
  expect(soakPlanOf(['--seed', '42', '--short'], 7).seed).toBe(42);
  expect(soakPlanOf([], 7).seed).toBe(7);
});

it('runs the judge for the requested minutes, and only on request', () => {
  expect(judgePlanOf(['--judge', '--minutes', '3'], 7)).toMatchObject({ seed: 7, forMs: 180_000 });
  expect(judgePlanOf(['--judge', '--short', '--seed', '4'], 7)).toMatchObject({ seed: 4, quietPoints: 25 });
  expect(judgePlanOf(['--minutes', '3'], 7)).toBeNull();
});

for (const { args, want } of [
  { args: ['--minutes', '0'], want: '--minutes: "0" is no whole number from 1 on' },
  { args: ['--minutes', 'ten'], want: '--minutes: "ten" is no whole number from 1 on' },
  { args: ['--seed', ''], want: '--seed: "" is no whole number from 0 on' },
  { args: ['--second', '1'], want: "Unknown option '--second'" },
]) {
  it(`rejects ${args.join(' ')}`, () => {
    expect(() => soakPlanOf(args, 1)).toThrow(want);
  });
}
