import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { accessPollMs, loadAccessFile, watchAccessFile } from '../../../src/security/access/access-file.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeClock } from '../../support/fake-clock.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-access-'));
  path = join(folder, 'access.yaml');
  await writeFile(path, identity('ann'), { mode: 0o600 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const identity = (name: string) => `identities: [{ name: ${name}, tokens: [secret-token-of-an-admin], roles: {} }]`;

/** Replaces the file atomically: a file written in place would be read half-written. */
async function put(text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function recorder() {
  const lines: { facts: object; message: string }[] = [];
  const note = (facts: object, message: string) => void lines.push({ facts, message });
  return { lines, log: { ...silentLogger, info: note, warn: note } };
}

describe('the access file', () => {
  it('is reloaded when it changes; an invalid one is logged once, and the last good one stays in use', async () => {
    const { lines, log } = recorder();
    const clock = fakeClock();
    const stopping = new AbortController();
    const applied: string[] = [];
    const good: boolean[] = [];
    await loadAccessFile(path, log);
    watchAccessFile(path, {
      ...{ clock, log, signal: stopping.signal, isGood: (one) => good.push(one) },
      apply: ({ identities }) => applied.push(identities.map(({ name }) => name).join()),
    });
    const poll = async (until: () => boolean) => {
      clock.advance(accessPollMs);
      await eventually(async () => until(), { what: 'the file to be read' });
    };
    await poll(() => applied.length === 1);
    await put(identity('bob'));
    await poll(() => applied.length === 2);
    await put('identities: [secret-token');
    await poll(() => good.length === 3);
    await put(identity('cem'));
    await poll(() => applied.length === 3);
    await rm(path);
    await poll(() => good.length === 5);
    stopping.abort();
    expect(applied).toEqual(['ann', 'bob', 'cem']);
    expect(good).toEqual([true, true, false, true, false]);
    expect(lines.map(({ message }) => message)).toEqual([
      'the access file was reloaded',
      'the access file was not usable; the last good one stays in use',
      'the access file was reloaded',
      'the access file was not usable; the last good one stays in use',
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('that anybody may read is used with a warning if it contains tokens', async () => {
    await chmod(path, 0o644);
    const { lines, log } = recorder();
    await loadAccessFile(path, log);
    expect(lines).toMatchObject([
      {
        message: 'tokens in the access file can be read by anybody',
        facts: { cure: expect.stringContaining('chmod 600') },
      },
    ]);
  });

  it('that anybody may write is rejected', async () => {
    await chmod(path, 0o666);
    await expect(loadAccessFile(path, silentLogger)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${path}: anybody may write to it, and so become an admin: chmod o-w ${path}`,
    });
  });

  it('that is missing is rejected', async () => {
    await expect(loadAccessFile(join(folder, 'none'), silentLogger)).rejects.toMatchObject({
      message: expect.stringContaining('cannot be read (ENOENT'),
    });
  });
});
