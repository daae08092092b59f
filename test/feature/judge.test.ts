import { expect, it } from 'vitest';
import { runJudge } from '../soak/judge/run.ts';
import { shortJudgePlan } from '../soak/plan.ts';
import { describeWith } from '../support/describe-with.ts';

/**
 * One fixed history, so that a failure is caused by a change of the code. `npm run soak -- --judge` runs others, and
 * longer.
 */
const oneSeed = 881_595;

describeWith(['envoy'], 'real Envoys', () => {
  it('have the configuration of a full compile at every quiet point, except what they reject', {
    timeout: 240_000,
  }, async () => {
    const seed = Number(process.env.BINNACLE_SEED ?? oneSeed);
    process.stdout.write(`seed ${seed} (BINNACLE_SEED=${seed} repeats what is done)\n`);
    const { problems, done } = await runJudge(shortJudgePlan(seed), () => {});
    expect(problems.join('\n'), `seed ${seed}: ${done}`).toBe('');
  });
});
