// `npm run soak [-- --judge] [--minutes N | --short] [--seed N]`: runs the real program through rounds of churn of
// clients, services and rules. Nothing may be left afterwards. Linux only: file descriptors are counted in /proc.
// docs/operations.md describes the rounds, how to read the figures, and the alternative with `--judge`. Figures go to
// standard output, progress to standard error.

import { type JudgePlan, runJudge } from './judge/run.ts';
import { judgePlanOf, soakPlanOf } from './plan.ts';
import { runSoak } from './run.ts';
import { figuresTable } from './verdict.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.stderr.write(`soak: ended by ${signal}\n`);
    process.exit(1); // the started program ends with this process (test/support/child.ts)
  });
}

const report = (line: string): void => void process.stderr.write(`${line}\n`);

try {
  const [args, anySeed] = [process.argv.slice(2), Date.now() % 1_000_000];
  const judgePlan = judgePlanOf(args, anySeed);
  const plan = soakPlanOf(args, anySeed);
  process.stdout.write(`seed ${plan.seed} (--seed ${plan.seed} repeats what is done)\n`);
  const startedAt = performance.now();
  const { figures, done, problems } = judgePlan === null ? await churn() : await judge(judgePlan);
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  process.stdout.write(`${figures}${done}\n`);
  for (const problem of problems) process.stdout.write(`PROBLEM: ${problem}\n`);
  const fine = judgePlan === null ? 'nothing is left' : 'every Envoy had what it was to have';
  process.stdout.write(`${minutes} minutes; ${problems.length === 0 ? fine : `${problems.length} problems`}\n`);

  async function churn() {
    const { measured, ...outcome } = await runSoak(plan, report);
    return { ...outcome, figures: `${figuresTable(measured)}\n\n` };
  }
  async function judge(judgePlan: JudgePlan) {
    return { ...(await runJudge(judgePlan, report)), figures: '' };
  }
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}
