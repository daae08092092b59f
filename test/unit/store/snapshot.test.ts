import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { RuleStore } from '../../../src/rules/store.ts';
import { readRulesSnapshot } from '../../../src/store/sqlite/snapshot.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite.ts';
import { draft, keyOfDraft } from '../../support/drafts.ts';
import { eventually } from '../../support/eventually.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';

const by = { author: 'ann' };

let directory: string;
let snapshot: string;
let clock: FakeClock;
let logged: string[];
let store: RuleStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'binnacle-rules-snapshot-'));
  snapshot = join(directory, 'rules.snapshot.json');
  clock = fakeClock();
  logged = [];
});
afterEach(async () => {
  await store?.close();
  rmSync(directory, { recursive: true, force: true });
});

const open = async (name = 'rules.db') => {
  const log = { ...silentLogger, warn: (_facts: object, message: string) => logged.push(message) };
  store = await openSqliteStore({ path: join(directory, name), clock, log });
};
const names = async () => (await readRulesSnapshot(snapshot))?.objects.map(({ metadata }) => metadata.name);
const hasNames = (...expected: string[]) =>
  eventually(async () => JSON.stringify(await names()) === JSON.stringify(expected), {
    what: `a snapshot of ${expected}`,
  });

it('is written once changes are quiet, with every current object', async () => {
  await open();
  await store.create(draft({ name: 'a', spec: { hosts: ['héllo'] }, labels: { a: 'b' } }), by);
  await store.create({ ...draft({ name: 'default', namespace: '' }), kind: 'MeshConfig' }, by);
  clock.advance(1_999);
  expect(existsSync(snapshot)).toBe(false);
  clock.advance(1);
  await hasNames('a', 'default');
  const read = await readRulesSnapshot(snapshot);
  const object = await store.get(keyOfDraft({ name: 'a' }));
  expect(read).toMatchObject({
    savedAtMs: clock.now(),
    resourceVersion: '2',
    objects: [object, { kind: 'MeshConfig' }],
  });
  expect(JSON.parse(readFileSync(snapshot, 'utf8'))).toMatchObject({ header: { format: 1, resourceVersion: '2' } });
});

it('is written when the store is closed, and at a start without one', async () => {
  await open();
  await store.create(draft({ name: 'a' }), by);
  await store.close();
  expect(await names()).toEqual(['a']);
  rmSync(snapshot);
  await open();
  clock.advance(2_000);
  await hasNames('a');
});

it('never blocks a write: a disk error is logged once, and writing is retried', async () => {
  await open();
  mkdirSync(`${snapshot}.tmp`);
  await store.create(draft({ name: 'a' }), by);
  clock.advance(2_000);
  await eventually(() => logged.length > 0, { what: 'the log' });
  expect(await store.create(draft({ name: 'b' }), by)).toMatchObject({ ok: true });
  rmSync(`${snapshot}.tmp`, { recursive: true });
  clock.advance(30_000);
  await hasNames('a', 'b');
  expect(logged).toEqual(['snapshot of the rules not written']);
});

it('is moved aside when a new database begins: it may be the last copy', async () => {
  await open();
  await store.create(draft({ name: 'a' }), by);
  await store.close();
  await open('another.db');
  await store.create(draft({ name: 'b' }), by);
  await store.close();
  expect(await names()).toEqual(['b']);
  expect((await readRulesSnapshot(`${snapshot}.old`))?.objects).toMatchObject([{ metadata: { name: 'a' } }]);
  expect(logged).toEqual(['snapshot of earlier rules moved aside, the rules database is new']);
});

it('is null when there is none', async () => {
  expect(await readRulesSnapshot(snapshot)).toBeNull();
});

for (const { name, damage } of [
  { name: 'is cut off', damage: (text: string) => text.slice(0, -20) },
  { name: 'was changed in one place', damage: (text: string) => text.replace('"a"', '"x"') },
  { name: 'is empty', damage: () => '' },
  { name: 'is of another format', damage: withFormat2 },
]) {
  it(`is refused when it ${name}`, async () => {
    await open();
    await store.create(draft({ name: 'a' }), by);
    await store.close();
    writeFileSync(snapshot, damage(readFileSync(snapshot, 'utf8')));
    await expect(readRulesSnapshot(snapshot)).rejects.toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
      message: expect.stringMatching(/snapshot of the rules .* cannot be used: its (checksum|format)/),
    });
  });
}

function withFormat2(text: string): string {
  const body = text.slice(0, text.lastIndexOf('],"checksum"')).replace('"format":1', '"format":2');
  return `${body}],"checksum":"${createHash('sha256').update(body).digest('hex')}"}\n`;
}
