import { expect, it } from 'vitest';
import { shortPlan } from './plan.ts';
import { runSoak } from './run.ts';

it('churn of clients, services and rules leaves nothing behind, and every client has the expected resources', {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.BINNACLE_SEED ?? Date.now() % 1_000_000);
  process.stdout.write(`seed ${seed} (BINNACLE_SEED=${seed} repeats what is done)\n`);
  const { problems, done } = await runSoak(shortPlan(seed), () => {});
  expect(problems, done).toEqual([]);
});
