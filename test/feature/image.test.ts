import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startChild, tailOf } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { readOnlyMount } from '../support/own-mount.ts';
import { freePorts } from '../support/ports.ts';

const root = join(import.meta.dirname, '../..');
const dockerfile = await readFile(join(root, 'deploy/Dockerfile'), 'utf8');
const runtime = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

/** The words of an instruction in its JSON form, with paths of the image in the checkout. */
function wordsOf(instruction: string): readonly string[] {
  const [, text = '[]'] = new RegExp(`^${instruction} .*?(\\[".*\\])$`, 'm').exec(runtime) ?? [];
  const words = JSON.parse(text) as readonly string[]; // the JSON form of an instruction
  return words.map((word) =>
    word.replace(/^\/nodejs\/bin\/node$/, process.execPath).replace('/app/node_modules/binnacle', root),
  );
}

describe('the image', () => {
  it('starts the program with the settings of the launcher', async () => {
    const { flags, environment } = JSON.parse(await readFile(join(root, 'bin/runtime.json'), 'utf8'));
    expect(wordsOf('ENTRYPOINT').slice(1, -1)).toEqual(flags);
    for (const [name, value] of Object.entries(environment)) expect(runtime).toMatch(`${name}=${value}`);
  });

  it('does not run as root', () => {
    expect(runtime).toMatch(/^USER 65532:65532$/m);
  });

  it('runs with read-only files, in one process, and its health check detects whether it answers', async () => {
    const data = await mkdtemp(join(tmpdir(), 'binnacle-image-'));
    onTestFinished(() => rm(data, { recursive: true }));
    const [http = 0, xds = 0] = await freePorts(2);
    const [command = '', ...args] = [...(readOnlyMount(root) ?? []), ...wordsOf('ENTRYPOINT'), ...wordsOf('CMD')];
    const server = startChild({
      name: 'image',
      command,
      args,
      cwd: root,
      env: {
        BINNACLE_DATA_DIR: data,
        BINNACLE_HTTP: `127.0.0.1:${http}`,
        BINNACLE_XDS: `127.0.0.1:${xds}`,
        MALLOC_ARENA_MAX: '1',
      },
    });
    onTestFinished(() => server.stop());
    const [node = '', ...check] = wordsOf('HEALTHCHECK').map((word) => word.replace(':8080', `:${http}`));
    const healthy = async () => (await promisify(execFile)(node, check).catch(() => null)) !== null;
    await eventually(
      async () => {
        if (!server.running) throw new Error(tailOf(server));
        return (await get(http, { path: '/readyz' })).status === 200;
      },
      { what: 'readiness' },
    );
    expect(await healthy()).toBe(true);
    const children = await readFile(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
    expect(children).toBe('');
    await server.stop();
    expect(await healthy()).toBe(false);
  });
});
