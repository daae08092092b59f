import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { RuleStore } from '../../../src/rules/store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite.ts';
import { type StartWorker, startWorker } from '../../../src/store/sqlite/thread.ts';
import { draft, keyOfDraft } from '../../support/drafts.ts';
import { eventually } from '../../support/eventually.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';
import { apply, changeLine, create, remove } from '../../support/store-transactions.ts';

const by = { author: 'ann' };
/** Maximum delay before the first attempt to restart a thread. */
const firstRestartMs = 200;

let directory: string;
let path: string;
let clock: FakeClock;
let logged: string[];
let workers: Worker[];
let store: RuleStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'binnacle-thread-'));
  path = join(directory, 'rules.db');
  clock = fakeClock();
  logged = [];
  workers = [];
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const noted = (_facts: object, message: string) => logged.push(message);
const open = async (start: StartWorker = startWorker) => {
  store = await openSqliteStore({
    path,
    clock,
    log: { ...silentLogger, info: noted, warn: noted, error: noted },
    start: (url, options) => {
      const worker = start(url, options);
      workers.push(worker);
      return worker;
    },
  });
};
const endThread = async () => {
  await workers.at(-1)?.terminate();
  await eventually(() => logged.at(-1) === 'thread of the rules store ended', { what: 'the end noticed' });
};
const startedAgain = async () => {
  clock.advance(firstRestartMs);
  await eventually(() => logged.at(-1) === 'thread of the rules store started again', { what: 'another thread' });
};
const names = async () => (await store.list('VirtualService')).items.map(({ metadata }) => metadata.name);

it('after its thread ends, reads continue and writes are refused until another thread has started', async () => {
  await open();
  await store.create(draft({ name: 'before' }), by);
  await endThread();
  expect(await names()).toEqual(['before']);
  for (const refused of [
    () => store.create(draft({ name: 'refused' }), by),
    () => store.history(keyOfDraft({ name: 'before' })),
    () => store.audit({ limit: 1 }),
  ]) {
    await expect(refused()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/nothing was done; try again in a few seconds/),
    });
  }
  await startedAgain();
  expect(await store.create(draft({ name: 'after' }), by)).toMatchObject({
    value: { metadata: { resourceVersion: '2' } },
  });
  expect(await store.history(keyOfDraft({ name: 'before' }))).toHaveLength(1);
  expect(logged).toEqual(['thread of the rules store ended', 'thread of the rules store started again']);
});

it('when the thread ends between a commit and its answer, the writer gets an unknown outcome and readers get the change', async () => {
  let answers = true;
  await open((url, options) => {
    const worker = startWorker(url, options);
    const emit = worker.emit.bind(worker);
    worker.emit = (event: string | symbol, ...args: unknown[]) => {
      if (answers || event !== 'message') return emit(event, ...args);
      void worker.terminate();
      return true;
    };
    return worker;
  });
  await store.transact([create({ name: 'kept' }), create({ name: 'changed' }), create({ name: 'removed' })], by);
  const told: string[] = [];
  store.subscribe((changes) => told.push(...changes.map(changeLine)));
  told.length = 0;
  answers = false;
  const writing = store.transact(
    [apply({ name: 'changed', spec: { v: 1 } }), remove({ name: 'removed' }), create({ name: 'new' })],
    by,
  );
  await expect(writing).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('may or may not have been stored; read it again'),
  });
  expect(await names()).toEqual(['changed', 'kept', 'removed']);
  expect(told).toEqual([]);

  answers = true;
  await startedAgain();
  expect(await names()).toEqual(['changed', 'kept', 'new']);
  expect(told).toEqual(['put changed 4', 'removed removed 5', 'put new 6']);
  expect(store.changesSince('4', 'VirtualService')?.map(changeLine)).toEqual(['removed removed 5', 'put new 6']);
  expect((await store.list('VirtualService')).resourceVersion).toBe('6');
});

it('a thread that runs out of memory is restarted', async () => {
  await open((url, options) =>
    workers.length > 0
      ? startWorker(url, options)
      : new Worker(url, { workerData: options, resourceLimits: { maxOldGenerationSizeMb: 16 } }),
  );
  await store.create(draft({ name: 'before' }), by);
  const large = Array.from({ length: 60 }, (_, index) =>
    create({ name: `n${index}`, spec: { texts: Array.from({ length: 20_000 }, (_, n) => `text ${n}`) } }),
  );
  await expect(store.transact(large, by)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await startedAgain();
  expect(await names()).toEqual(['before']);
  expect(await store.create(draft({ name: 'after' }), by)).toMatchObject({ ok: true });
});

it('when the database is damaged at a restart, opening is retried and reads continue', async () => {
  await open();
  await store.create(draft(), by);
  await endThread();
  renameSync(path, `${path}.good`);
  writeFileSync(path, 'not a database '.repeat(1000));
  clock.advance(firstRestartMs);
  await eventually(() => logged.length === 2, { what: 'the first failure' });
  clock.advance(2 * firstRestartMs);
  await eventually(() => logged.length === 3, { what: 'the second failure' });
  expect(new Set(logged.slice(1))).toEqual(new Set(['thread of the rules store not started again']));
  expect(await names()).toEqual(['reviews']);
  await expect(store.create(draft({ name: 'x' }), by)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });

  renameSync(`${path}.good`, path);
  clock.advance(4 * firstRestartMs);
  await eventually(() => logged.at(-1) === 'thread of the rules store started again', { what: 'the good file opened' });
  expect(await store.create(draft({ name: 'x' }), by)).toMatchObject({ value: { metadata: { resourceVersion: '2' } } });
});

it('a database that was reset to an earlier state under a running program is refused', async () => {
  await open();
  await store.create(draft({ name: 'old' }), by);
  await store.close();
  copyFileSync(path, `${path}.backup`);
  logged = [];
  await open();
  await store.create(draft({ name: 'new' }), by);
  await endThread();
  copyFileSync(`${path}.backup`, path);
  clock.advance(firstRestartMs);
  await eventually(() => logged.at(-1) === 'thread of the rules store not started again', { what: 'the refusal' });
  expect(await names()).toEqual(['new', 'old']);
});

it('a store that is closed while its thread is down starts no other', async () => {
  await open();
  await endThread();
  await store.close();
  clock.advance(60_000);
  expect(workers).toHaveLength(1);
});
