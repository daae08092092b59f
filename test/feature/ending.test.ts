import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Child, startChild, tailOf } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { freePorts } from '../support/ports.ts';
import { processesWith } from '../support/processes.ts';

const root = join(import.meta.dirname, '../..');

/** Data directory; its path is an argument of every process of one start. */
let folder: string;
const running: Child[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-ending-'));
});
afterEach(async () => {
  for (const pid of await processesWith(folder)) process.kill(pid, 'SIGKILL'); // first: they hold the child's output
  for (const child of running.splice(0)) await child.kill();
  await rm(folder, { recursive: true, force: true });
});

interface Started {
  readonly child: Child;
  readonly httpPort: number;
}

/** Starts a server with these words before the flags of serve, and waits until it is ready. */
async function start([command = '', ...words]: readonly string[]): Promise<Started> {
  const [httpPort = 0, xdsPort = 0] = await freePorts(2);
  const addresses = ['--http', `127.0.0.1:${httpPort}`, '--xds', `127.0.0.1:${xdsPort}`];
  const args = [...words, ...addresses, '--data-dir', join(folder, 'data')];
  const child = startChild({ name: 'ending', command, args, cwd: root });
  running.push(child);
  const ready = async () => (await get(httpPort, { path: '/readyz' })).status === 200;
  await eventually(ready, { what: 'readiness' }).catch((cause: unknown) => {
    throw new Error(tailOf(child), { cause });
  });
  return { child, httpPort };
}

/** Ways to start a server. npm runs no script before it and builds nothing, because the build exists already. */
const ways = {
  'npm start': ['npm', 'start', '--ignore-scripts', '--'],
  'npm start with a shell that makes way': ['npm', 'start', '--ignore-scripts', '--script-shell', 'bash', '--'],
  'scripts/start.mjs': [process.execPath, 'scripts/start.mjs'],
  'bin/binnacle.mjs serve': [process.execPath, 'bin/binnacle.mjs', 'serve'],
};

describe.runIf(process.platform === 'linux')('ending the launcher of a server ends the server', () => {
  for (const [name, words] of Object.entries(ways)) {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      it(`${name}, by ${signal}`, async () => {
        const { child, httpPort } = await start(words);

        child.signal(signal);

        await eventually(async () => (await processesWith(folder)).length === 0, { what: 'the end of every process' });
        await expect(get(httpPort)).rejects.toThrow('ECONNREFUSED');
        expect(child.stderr()).toContain('"stopping"'); // it has drained
      });
    }
  }
});

const onLinux = it.runIf(process.platform === 'linux');

onLinux('a server without input and output outlives the shell that started it in the background', async () => {
  const background = '"$0" "$@" </dev/null >/dev/null 2>&1 & read _';
  const { child, httpPort } = await start(['sh', '-c', background, process.execPath, 'bin/binnacle.mjs', 'serve']);

  child.send('end');
  expect(await child.exited).toBe(0);

  expect((await get(httpPort, { path: '/healthz' })).status).toBe(200);
});

onLinux('a server that nohup started outlives the session', async () => {
  const { httpPort } = await start(['nohup', ...ways['bin/binnacle.mjs serve']]);

  for (const pid of await processesWith(folder)) process.kill(pid, 'SIGHUP');

  expect((await get(httpPort, { path: '/healthz' })).status).toBe(200);
  expect(await processesWith(folder)).toHaveLength(2); // launcher and server
});

onLinux('a server drains when launcher and server are signalled at once', async () => {
  const { child } = await start(ways['bin/binnacle.mjs serve']);

  for (const pid of await processesWith(folder)) process.kill(pid, 'SIGTERM');

  expect(await child.exited).toBe(0);
  expect(child.stderr()).toContain('"stopping"');
});
