// `npm test`: the static checks, then every test there is. Ends with one line of its own: `N passed, N failed, N
// skipped`, summed over checks and tests. With CI=true a skipped test is a failure: nothing goes unseen.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, runLoudly, runStaticChecks } from './static-checks.mjs';

const strict = process.env.CI === 'true';
const reportFile = join(root, '.cache/test-report.json');
mkdirSync(join(root, '.cache'), { recursive: true });
rmSync(reportFile, { force: true });
rmSync(join(root, '.cache/test-logs'), { recursive: true, force: true });

const checks = await runStaticChecks();
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
const status = await runLoudly('vitest', ['run', ...reporters, ...process.argv.slice(2)]);
const tests = readReport();

for (const reason of tests.reasons) process.stdout.write(`skipped: ${reason}\n`);
if (strict && tests.skipped > 0) process.stdout.write('CI=true: skipped tests count as a failure\n');
const passed = checks.passed + tests.passed;
const failed = checks.failed + tests.failed;
process.exitCode = failed === 0 && status === 0 && (!strict || tests.skipped === 0) ? 0 : 1;
process.stdout.write(`${passed} passed, ${failed} failed, ${tests.skipped} skipped\n`);

/** Counts of vitest's JSON report. A file that could not be loaded has no tests in it and counts as one failure. */
function readReport() {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0, reasons: new Set() };
  const { testResults } = JSON.parse(readFileSync(reportFile, 'utf8'));
  const all = testResults.flatMap((file) => file.assertionResults);
  const count = (...states) => all.filter((test) => states.includes(test.status)).length;
  const brokenFiles = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = count('failed') + brokenFiles.length;
  return {
    passed: count('passed'),
    // vitest also fails for what no test owns, such as a rejection that nobody handled
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: count('pending', 'skipped', 'todo', 'disabled'),
    reasons: skipReasons(all),
  };
}

/** `describeWith` (test/support/describe-with.ts) puts the reason into the title of the group that it skips. */
function skipReasons(all) {
  const titles = all.filter((test) => test.status !== 'passed').flatMap((test) => test.ancestorTitles);
  return new Set(titles.flatMap((title) => /\[skipped: (.*)\]$/.exec(title)?.[1] ?? []));
}
