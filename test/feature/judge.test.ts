import { expect, it } from 'vitest';
import { runJudge } from '../soak/judge/run.ts';
import { shortJudgePlan } from '../soak/plan.ts';
import { describeWith } from '../support/describe-with.ts';

/** One history, so that a failure is the doing of what was changed; `npm run soak -- --judge` plays others, and longer. */
const oneSeed = 881_595;

describeWith(['envoy'], 'real Envoys as judges of what they were sent', () => {
  it('have what a full compile says at every quiet point, but for what they reject', { timeout: 240_000 }, async () => {
    const seed = Number(process.env.BINNACLE_SEED ?? oneSeed);
    process.stdout.write(`seed ${seed} (BINNACLE_SEED=${seed} repeats what is done)\n`);
    const { problems, done } = await runJudge(shortJudgePlan(seed), () => {});
    expect(problems.join('\n'), `seed ${seed}: ${done}`).toBe('');
  });
});
