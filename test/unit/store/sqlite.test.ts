import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite.ts';
import { draft, keyOfDraft } from '../../support/drafts.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { storeConformance } from '../../support/store-conformance.ts';
import { apply } from '../../support/store-transactions.ts';

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
const noted = {
  ...{ time: '2026-01-02T03:04:06.000Z', author: 'eve', verb: 'create', remote: '', userAgent: '' },
  ...{ kind: '', namespace: '', name: '', code: 422, message: '', resourceVersion: null },
};

let opened = 0;
storeConformance('sqlite', {
  open: (clock) => openSqliteStore({ path: join(directory, `${opened++}`, 'rules.db'), clock }),
  runs: 20,
});

describe('the sqlite store and the disk', () => {
  it('has all objects again when it is reopened', async () => {
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

  it('calls prepare for every committed object before it notifies listeners', async () => {
    const prepared = new Set<unknown>();
    let unprepared = 0;
    const store = await openSqliteStore({ ...options(), prepare: (object) => prepared.add(object) });
    store.subscribe((changes) => {
      for (const change of changes) if (change.type === 'put' && !prepared.has(change.object)) unprepared++;
    });
    await store.transact(
      Array.from({ length: 250 }, (_, index) => apply({ name: `n${index}` })),
      author,
    );
    await store.create(draft({ name: 'tried' }), { ...author, dryRun: true });
    await store.close();
    expect([prepared.size, unprepared]).toEqual([250, 0]);
  });

  it('answers the writes that began before it was closed', async () => {
    const store = await openSqliteStore(options());
    const writing = store.create(draft(), author);
    await store.close();
    await expect(writing).resolves.toMatchObject({ ok: true });
  });

  it('reports the directory that cannot be created', async () => {
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

  it('refuses a write that does not fit, and keeps the others', async () => {
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

  it('keeps nothing of a transaction that does not fit, and accepts the next that does', async () => {
    const store = await openSqliteStore(options({ maxBytes: 300_000 }));
    const told: number[] = [];
    store.subscribe((changes) => told.push(changes.length));
    const batch = (count: number) => Array.from({ length: count }, (_, n) => apply({ name: `n${n}`, spec: { text } }));
    const text = 'x'.repeat(10_000);
    const [fits, large, note] = await Promise.allSettled([
      store.transact(batch(3), author),
      store.transact(batch(100), author),
      store.note({ ...noted, message: 'kept' }),
    ]);
    const { items, resourceVersion } = await store.list('VirtualService');
    const audit = await store.audit({ limit: 10 });
    const later = await store.transact([apply({ name: 'later' })], author);
    await store.close();
    expect(fits).toMatchObject({ value: { ok: true } });
    expect(large).toMatchObject({
      reason: { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('make room') },
    });
    expect(note.status).toBe('fulfilled');
    expect(items).toHaveLength(3);
    expect(resourceVersion).toBe('3');
    expect(audit.items).toMatchObject([{ message: 'kept' }]);
    expect(later).toMatchObject({ ok: true, value: [{ object: { metadata: { resourceVersion: '4' } } }] });
    expect(told).toEqual([3, 1]);
  });

  it('holds at most ten thousand waiting audit entries, and logs how many it lost', async () => {
    const logged: object[] = [];
    const log = { ...silentLogger, warn: (facts: object) => logged.push(facts) };
    const store = await openSqliteStore({ ...options(), log });
    await Promise.all(Array.from({ length: 10_007 }, (_, n) => store.note({ ...noted, message: `${n}` })));
    const { items } = await store.audit({ limit: 1 });
    await store.close();
    expect(logged).toMatchObject([{ entries: 7, reason: 'there were too many at once' }]);
    expect(items).toMatchObject([{ message: '9999' }]);
  });

  it('logs audit entries that cannot be written, and rejects no call', async () => {
    const logged: object[] = [];
    const log = { ...silentLogger, warn: (facts: object, message: string) => logged.push({ ...facts, message }) };
    const store = await openSqliteStore({ ...options({ maxBytes: 200_000 }), log });
    await store.note({ ...noted, message: 'x'.repeat(1_000_000) });
    await store.note({ ...noted, message: 'small' });
    const { items } = await store.audit({ limit: 10 });
    await store.close();
    expect(logged).toMatchObject([
      { entries: 1, reason: expect.stringContaining('cannot grow'), message: 'audit entries of refused requests lost' },
    ]);
    expect(items).toMatchObject([{ message: 'small' }]);
  });
});
