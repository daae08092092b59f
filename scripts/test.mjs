// `npm test`: the static checks, then all tests; unit tests and conversations first, with their coverage. It ends with
// one line, `N passed, N failed, N skipped`, summed over checks and tests. With CI=true a skipped test counts as failed.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { coverageTable } from './coverage.mjs';
import { root, runLoudly, runStaticChecks, startProgram } from './static-checks.mjs';

const strict = process.env.CI === 'true';
const cache = join(root, '.cache');
mkdirSync(cache, { recursive: true });
for (const folder of ['test-logs', 'coverage']) rmSync(join(cache, folder), { recursive: true, force: true });

const filters = process.argv.slice(2);
const building = filters.length === 0 ? buildLongParts() : null;
const checks = await runStaticChecks();
const runs =
  filters.length === 0
    ? [await runTests('unit', ['--project=unit', '--coverage']), await runTests('others', ['--project=!unit'])]
    : [await runTests('some', filters)];
building?.kill();
const tests = {
  passed: sum(runs.map((run) => run.passed)),
  failed: sum(runs.map((run) => run.failed)),
  skipped: sum(runs.map((run) => run.skipped)),
  reasons: new Set(runs.flatMap((run) => [...run.reasons])),
};

process.stdout.write(coverageTable(join(cache, 'coverage/coverage-summary.json'), root));

for (const reason of tests.reasons) process.stdout.write(`skipped: ${reason}\n`);
if (strict && tests.skipped > 0) process.stdout.write('CI=true: skipped tests count as a failure\n');
const passed = checks.passed + tests.passed;
const failed = checks.failed + tests.failed;
process.exitCode = failed === 0 && (!strict || tests.skipped === 0) ? 0 : 1;
process.stdout.write(`${passed} passed, ${failed} failed, ${tests.skipped} skipped\n`);

/**
 * Starts the installation of what takes minutes, behind everything else, so that it is there when the last tests need
 * it. If it fails, these tests try again and say why.
 */
function buildLongParts() {
  return startProgram(
    'node',
    ['test/support/install-parts.ts', 'zookeeper', 'dubbo33', 'dubbo27', 'motan', 'kubernetes', 'helm'],
    ['ignore', 'inherit', 'ignore'],
  );
}

/** Runs vitest and returns the counts of its report, `.cache/test-report-NAME.json`. */
async function runTests(name, args) {
  const reportFile = join(cache, `test-report-${name}.json`);
  rmSync(reportFile, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const status = await runLoudly('vitest', ['run', ...reporters, ...args]);
  return readReport(reportFile, status);
}

/** Reads the counts of vitest's JSON report. A file that cannot be loaded has no tests and counts as one failure. */
function readReport(reportFile, status) {
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
    // vitest also fails for errors outside tests, such as an unhandled rejection
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: count('pending', 'skipped', 'todo', 'disabled'),
    reasons: skipReasons(all),
  };
}

/** Reads the reasons that `describeWith` (test/support/describe-with.ts) adds to the titles of skipped groups. */
function skipReasons(all) {
  const titles = all.filter((test) => test.status !== 'passed').flatMap((test) => test.ancestorTitles);
  return new Set(titles.flatMap((title) => /\[skipped: (.*)\]$/.exec(title)?.[1] ?? []));
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
