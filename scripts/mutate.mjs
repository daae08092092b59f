// `node scripts/mutate.mjs [--minutes 10] [--only TEXT] [--seed N]`: applies each fault of test/mutation/faults.mjs to
// the sources, one at a time, and runs the unit tests and conversations of its room. Prints the undetected faults and
// the share of detected ones. Works on a copy of the sources in a temporary folder. Not part of `npm test`.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { faults } from '../test/mutation/faults.mjs';
import { root } from './static-checks.mjs';

/** Tests by room, most sensitive first. */
const testsOf = {
  xds: ['test/conversation', 'test/unit/xds', 'test/unit/push'],
  push: ['test/unit/push', 'test/conversation'],
  rpc: ['test/unit/rpc'],
  proto: ['test/conversation', 'test/unit/xds', 'test/unit/push', 'test/property/streams.test.ts'],
};
/** Time limit of a run: a fault that makes a test hang counts as detected. */
const longestRunMs = 120_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    seed: { type: 'string' },
  },
});
const endsAtMs = Date.now() + Number(values.minutes) * 60_000;
const copy = mkdtempSync(join(tmpdir(), 'binnacle-mutate-'));
/** Rooms whose tests pass without a fault. */
const known = new Set();
const counts = { died: 0, survived: 0, notRun: 0 };
try {
  for (const name of [
    'src',
    'test',
    'adapters',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
    'bin',
    'docs',
    'deploy',
  ]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const fault of inOrder(faults.filter(([file, find]) => `${file} ${find}`.includes(values.only)))) tryOne(fault);
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const run = counts.died + counts.survived;
const share = run === 0 ? 0 : Math.round((counts.died / run) * 100);
process.stdout.write(`${counts.died} of ${run} faults die (${share} %); ${counts.notRun} not run\n`);

/** @param {readonly [string, string, string]} fault */
function tryOne([file, find, replace]) {
  if (Date.now() > endsAtMs) {
    counts.notRun++;
    return;
  }
  expectPass(roomOf(file));
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(find).length !== 2) throw new Error(`${file}: ${JSON.stringify(find)} is not there exactly once`);
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  const died = !passes(roomOf(file));
  writeFileSync(path, text);
  counts[died ? 'died' : 'survived']++;
  process.stdout.write(
    `${died ? 'dies    ' : 'SURVIVES'} ${file}: ${JSON.stringify(find)} → ${JSON.stringify(replace)}\n`,
  );
}

function expectPass(room) {
  if (!known.has(room) && !passes(room)) throw new Error(`the tests of ${room} fail without any fault`);
  known.add(room);
}

/** @param {string} file */
function roomOf(file) {
  return file.split('/')[1] ?? '';
}

/** Shuffles the faults, so that short runs do not always try the same ones. */
function inOrder(all) {
  if (values.seed === undefined) return all;
  const at = (index) => (Math.imul(index + Number(values.seed), 2_654_435_761) >>> 0) / 2 ** 32;
  return all
    .map((fault, index) => ({ fault, at: at(index + 1) }))
    .sort((a, b) => a.at - b.at)
    .map(({ fault }) => fault);
}

/** @param {keyof typeof testsOf} room */
function passes(room) {
  return testsOf[room].every((folder) => {
    const args = ['run', '--bail=1', '--reporter=dot', folder];
    const { status } = spawnSync(join(root, 'node_modules/.bin/vitest'), args, { cwd: copy, timeout: longestRunMs });
    return status === 0;
  });
}
