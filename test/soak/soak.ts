// `npm run soak [-- --minutes N | --short] [--seed N]`: the real program through churn of clients, services and rules, round after
// round; then nothing may be left of it. Linux only: file descriptors are counted in /proc. docs/operations.md says what it
// does and how to read it. Figures go to standard output, progress to standard error.

import { planOf } from './plan.ts';
import { runSoak } from './run.ts';
import { figuresTable } from './verdict.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.stderr.write(`soak: ended by ${signal}\n`);
    process.exit(1); // the program that was started ends with this process (test/support/child.ts)
  });
}

try {
  const plan = planOf(process.argv.slice(2), Date.now() % 1_000_000);
  process.stdout.write(`seed ${plan.seed} (--seed ${plan.seed} repeats what is done)\n`);
  const startedAt = performance.now();
  const { measured, done, problems } = await runSoak(plan, (line) => process.stderr.write(`${line}\n`));
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  process.stdout.write(`${figuresTable(measured)}\n\n${done}\n`);
  for (const problem of problems) process.stdout.write(`PROBLEM: ${problem}\n`);
  process.stdout.write(
    `${minutes} minutes; ${problems.length === 0 ? 'nothing is left' : `${problems.length} problems`}\n`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}
