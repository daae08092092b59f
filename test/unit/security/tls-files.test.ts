import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Logger, silentLogger } from '../../../src/lib/logger.ts';
import {
  loadTlsFiles,
  type TlsFiles,
  type TlsTexts,
  tlsPollMs,
  watchTlsFiles,
} from '../../../src/security/tls-files.ts';
import { authority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const ca = authority();
const first = ca.issue({ commonName: 'first' });
const second = ca.issue({ commonName: 'second' });

async function folderOf(texts: Partial<Record<keyof TlsFiles, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-tls-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const files = {
    certFile: join(folder, 'cert.pem'),
    keyFile: join(folder, 'key.pem'),
    clientCaFile: join(folder, 'ca.pem'),
  };
  const all = { certFile: first.cert, keyFile: first.key, clientCaFile: ca.cert, ...texts };
  for (const name of ['certFile', 'keyFile', 'clientCaFile'] as const) await writeFile(files[name], all[name]);
  return { folder, files };
}

/** Starts a watch with `first`; `poll` makes it read the files and waits until it has. */
async function watched() {
  const { folder, files } = await folderOf({});
  const applied: TlsTexts[] = [];
  const lines: string[] = [];
  const log: Logger = {
    ...silentLogger,
    info: (_facts, message) => lines.push(message),
    warn: (_facts, message) => lines.push(message),
  };
  const clock = fakeClock(Date.now());
  let polls = 0;
  const counting = {
    ...clock,
    after(delayMs: number, run: () => void) {
      polls++;
      return clock.after(delayMs, run);
    },
  };
  const stop = new AbortController();
  const apply = (texts: TlsTexts) => applied.push(texts);
  const current = await loadTlsFiles(files);
  watchTlsFiles(files, { current, apply, clock: counting, log, signal: stop.signal });
  const poll = async () => {
    const before = polls;
    clock.advance(tlsPollMs);
    await eventually(() => polls > before, { what: 'the files were read', everyMs: 1 });
  };
  return { folder, files, applied, lines, poll, stop, clock, polls: () => polls };
}

describe('loadTlsFiles', () => {
  it('reads matching files', async () => {
    const { files } = await folderOf({});
    expect(await loadTlsFiles(files)).toEqual({ ...first, clientCa: ca.cert });
    expect(await loadTlsFiles({ ...files, clientCaFile: null })).toEqual({ ...first, clientCa: null });
  });

  it('reads a chain', async () => {
    const { files } = await folderOf({ certFile: first.cert + ca.cert });
    expect((await loadTlsFiles(files)).cert).toBe(first.cert + ca.cert);
  });

  for (const { name, texts, want } of [
    {
      name: 'a key of another certificate',
      texts: { keyFile: second.key },
      want: /key\.pem is not that of .*cert\.pem/,
    },
    { name: 'no certificate', texts: { certFile: 'hello' }, want: /cert\.pem holds no certificate in PEM/ },
    {
      name: 'a damaged intermediate',
      texts: { certFile: first.cert + ca.cert.replace(/MII/, 'AAA') },
      want: /cert\.pem holds a damaged certificate/,
    },
    { name: 'no key', texts: { keyFile: first.cert }, want: /key\.pem holds no private key in PEM/ },
    { name: 'no CA', texts: { clientCaFile: '' }, want: /ca\.pem holds no certificate in PEM/ },
  ]) {
    it(`rejects ${name}`, async () => {
      const { files } = await folderOf(texts);
      await expect(loadTlsFiles(files)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(want),
      });
    });
  }

  it('rejects a missing file', async () => {
    const { files } = await folderOf({});
    await rm(files.keyFile);
    await expect(loadTlsFiles(files)).rejects.toThrow(/key\.pem cannot be read \(ENOENT/);
  });
});

describe('watchTlsFiles', () => {
  it('applies a new pair once', async () => {
    const { files, applied, lines, poll } = await watched();
    await poll();
    expect(applied).toEqual([]);
    await writeFile(files.certFile, second.cert);
    await writeFile(files.keyFile, second.key);
    await poll();
    await poll();
    expect(applied).toEqual([{ ...second, clientCa: ca.cert }]);
    expect(lines).toEqual(['certificates were reloaded']);
  });

  it('applies new CAs alone', async () => {
    const { files, applied, poll } = await watched();
    const other = authority('other');
    await writeFile(files.clientCaFile, ca.cert + other.cert);
    await poll();
    expect(applied).toEqual([{ ...first, clientCa: ca.cert + other.cert }]);
  });

  it('detects a change behind a link, as in mounted secrets', async () => {
    const { folder, files, applied, poll } = await watched();
    await writeFile(join(folder, 'next-cert.pem'), second.cert);
    await writeFile(join(folder, 'next-key.pem'), second.key);
    for (const name of ['cert', 'key']) {
      await symlink(join(folder, `next-${name}.pem`), join(folder, `${name}.link`));
      await rename(join(folder, `${name}.link`), join(folder, `${name}.pem`));
    }
    await poll();
    expect(applied).toEqual([{ ...second, clientCa: ca.cert }]);
    expect(files.certFile).toContain(folder);
  });

  it('keeps the last good pair while the new one is incomplete, and logs it once', async () => {
    const { files, applied, lines, poll } = await watched();
    await writeFile(files.certFile, second.cert);
    await poll();
    await poll();
    expect(applied).toEqual([]);
    expect(lines).toEqual(['certificate files were not usable; the last good ones stay in use']);
    await writeFile(files.keyFile, second.key);
    await poll();
    expect(applied).toEqual([{ ...second, clientCa: ca.cert }]);
  });

  it('keeps the last good pair while files are missing', async () => {
    const { files, applied, lines, poll } = await watched();
    await rm(files.certFile);
    await poll();
    await poll();
    expect(lines).toEqual(['certificate files were not readable; the last good ones stay in use']);
    await writeFile(files.certFile, first.cert);
    await poll();
    expect(applied.length).toBeLessThanOrEqual(1); // applying the same pair twice is harmless
  });

  it('reports that a new certificate has expired', async () => {
    const { files, lines, poll } = await watched();
    const expired = ca.issue({ lifetimeMs: -60_000 });
    await writeFile(files.certFile, expired.cert);
    await writeFile(files.keyFile, expired.key);
    await poll();
    expect(lines).toEqual(['certificates were reloaded', 'the new certificate has expired already']);
  });

  it('ends with its signal', async () => {
    const { stop, clock, polls } = await watched();
    stop.abort();
    const before = polls();
    clock.advance(10 * tlsPollMs);
    expect(polls()).toBe(before);
  });
});
