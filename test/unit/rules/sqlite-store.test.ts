import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../../src/rules/store/sqlite.ts';
import { draft, keyOfDraft } from '../../support/drafts.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { storeConformance } from '../../support/store-conformance.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'binnacle-store-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const options = (rest: { maxBytes?: number } = {}) => ({
  path: join(directory, 'deep', 'rules.db'),
  clock: fakeClock(),
  ...rest,
});
const author = { author: 'ann' };

storeConformance('sqlite', (clock) => openSqliteStore({ ...options(), clock }));

describe('the sqlite store and the disk', () => {
  it('has everything again when it is opened again', async () => {
    const first = await openSqliteStore(options());
    await first.create(draft({ name: 'kept', spec: { hosts: ['héllo'] } }), author);
    await first.create(draft({ name: 'gone' }), author);
    await first.remove(keyOfDraft({ name: 'gone' }), { ...author, expectedResourceVersion: null });
    const kept = await first.get(keyOfDraft({ name: 'kept' }));
    await first.close();

    const second = await openSqliteStore(options());
    const list = await second.list('VirtualService');
    const history = await second.history(keyOfDraft({ name: 'gone' }));
    const next = await second.create(draft({ name: 'next' }), author);
    await second.close();
    expect(list).toEqual({ items: [kept], resourceVersion: '3' });
    expect(history).toHaveLength(2);
    expect(next).toMatchObject({ value: { metadata: { resourceVersion: '4' } } });
  });

  it('answers what was written before it closed', async () => {
    const store = await openSqliteStore(options());
    const writing = store.create(draft(), author);
    await store.close();
    await expect(writing).resolves.toMatchObject({ ok: true });
  });

  it('says what to do about a file that is no database', async () => {
    const path = join(directory, 'rules.db');
    writeFileSync(path, 'not a database '.repeat(1000));
    const opening = openSqliteStore({ ...options(), path });
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      message: expect.stringMatching(/rules\.db is damaged .* restore it from a backup, or move it away/),
    });
    expect(existsSync(path)).toBe(true);
  });

  it('notices an overwritten page, even of the history, which is not read at the start', async () => {
    const store = await openSqliteStore(options());
    await store.create(draft(), author);
    for (let n = 0; n < 49; n++) {
      await store.update(draft({ spec: { text: `${n}`.repeat(1500) } }), { ...author, expectedResourceVersion: null });
    }
    await store.close();
    const { path } = options();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 4096);
    writeFileSync(path, bytes);
    await expect(openSqliteStore(options())).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  });

  it('says which directory cannot be made', async () => {
    writeFileSync(join(directory, 'file'), '');
    const opening = openSqliteStore({ ...options(), path: join(directory, 'file', 'rules.db') });
    await expect(opening).rejects.toMatchObject({
      code: 'DATA_DIR_UNWRITABLE',
      message: expect.stringContaining('file'),
    });
  });

  it('is opened by one process at a time', async () => {
    const store = await openSqliteStore(options());
    const second = openSqliteStore(options());
    await expect(second).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('in use by another process'),
    });
    await store.close();
  });

  it('refuses the write that does not fit and keeps the others', async () => {
    const store = await openSqliteStore(options({ maxBytes: 200_000 }));
    const before = await store.create(draft({ name: 'before' }), author);
    const written = await Promise.allSettled([
      store.create(draft({ name: 'small' }), author),
      store.create(draft({ name: 'large', spec: { text: 'x'.repeat(1_000_000) } }), author),
      store.create(draft({ name: 'after' }), author),
    ]);
    const names = (await store.list('VirtualService')).items.map(({ metadata }) => metadata.name);
    await store.close();
    expect(before.ok).toBe(true);
    expect(written.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(written[1]).toMatchObject({
      reason: { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('make room and try again') },
    });
    expect(names).toEqual(['after', 'before', 'small']);
  });

  it('has every acknowledged write after its process was killed', async () => {
    const { path } = options();
    const killAfter = 1 + Math.floor(Math.random() * 60);
    const acknowledged = await acknowledgedUntilKilled(path, killAfter);
    const store = await openSqliteStore(options());
    const { items } = await store.list('VirtualService');
    await store.close();
    const versions = new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    expect(acknowledged.length).toBeGreaterThanOrEqual(killAfter);
    for (const { name, version } of acknowledged) expect(versions.get(name)).toBe(version);
  });
});

/** Lets a process write until `count` writes were acknowledged, and kills it in the middle of the next ones. */
async function acknowledgedUntilKilled(path: string, count: number) {
  const script = join(import.meta.dirname, '../../support/store-writer.ts');
  const writer = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(writer, 'exit');
  const acknowledged: { name: string; version: string }[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    const [name = '', version = ''] = line.split(' ');
    acknowledged.push({ name, version });
    if (acknowledged.length === count) writer.kill('SIGKILL');
  }
  await exited;
  return acknowledged;
}
