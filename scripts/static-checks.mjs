// Checks that read the code without running it, two at a time, because CI machines have two cores.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const checks = [
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'lint', command: ['biome', 'ci', '--colors=off', '--error-on-warnings', '.'] },
  { name: 'rooms', command: ['depcruise', ...['src', 'adapters'].filter((room) => existsSync(join(root, room)))] },
  { name: 'documents', command: ['markdownlint-cli2'] },
  { name: 'configuration', command: ['node', 'scripts/configuration-reference.ts', '--check'] },
  { name: 'comments', command: ['node', 'scripts/check-comments.mjs'] },
  { name: 'names', command: ['node', 'scripts/check-names.mjs'] },
  { name: 'unused', command: ['knip', '--no-progress', '--no-config-hints'] },
];

/**
 * Runs all checks and prints a line for each, with the output of failed ones. Resolves with the numbers of passed and
 * failed checks.
 */
export async function runStaticChecks() {
  const waiting = [...checks];
  const results = [];
  const work = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) results.push(await runCheck(check));
  };
  await Promise.all([work(), work()]);
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed };
}

async function runCheck({ name, command }) {
  const startedAt = Date.now();
  const { status, output } = await runQuietly(command);
  const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  process.stdout.write(status === 0 ? `${name}: ok, ${took}\n` : `${output}\n${name}: FAILED, ${took}\n`);
  return status === 0;
}

/** Runs a program of node_modules/.bin and collects its output. */
function runQuietly([program, ...args]) {
  return new Promise((resolve) => {
    const child = startProgram(program, args, ['ignore', 'pipe', 'pipe']);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ status: 1, output: error.message }));
    child.on('close', (status) => resolve({ status, output }));
  });
}

/** Runs a program of node_modules/.bin with its output shown. Resolves with its exit status. */
export function runLoudly(program, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = startProgram(program, args, ['ignore', 'inherit', 'inherit'], env);
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** Starts a program with node_modules/.bin first in PATH, so that `node` is the project's version. */
export function startProgram(program, args, stdio, env = {}) {
  const programs = join(root, 'node_modules/.bin');
  const path = `${programs}:${process.env.PATH}`;
  return spawn(join(programs, program), args, { cwd: root, stdio, env: { ...process.env, PATH: path, ...env } });
}
