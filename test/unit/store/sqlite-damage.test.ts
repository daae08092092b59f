import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readRulesSnapshot, rulesSnapshotPath } from '../../../src/store/sqlite/snapshot.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite.ts';
import { draft, keyOfDraft } from '../../support/drafts.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const by = { author: 'ann', request: { verb: 'update', remote: '', userAgent: '' } };

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'binnacle-damage-'));
  path = join(directory, 'rules.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = () => openSqliteStore({ path, clock: fakeClock() });

/** Creates a database of some pages. Resolves with its list of rules. */
async function rulesOfAnEarlierRun() {
  const store = await open();
  await store.create(draft({ name: 'ratings', labels: { team: 'ä' } }), by);
  await store.create(draft(), by);
  for (let n = 0; n < 49; n++) {
    const spec = { text: `${n}`.repeat(1500) };
    await store.update(draft({ spec }), { ...by, expectedResourceVersion: null });
  }
  const { items } = await store.list('VirtualService');
  await store.close();
  return items;
}

const overwrite = (from: (length: number) => number) => {
  const bytes = readFileSync(path);
  const at = from(bytes.length);
  bytes.fill(0xa5, at, at + 4096);
  writeFileSync(path, bytes);
};
const execute = (sql: string) => {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
};

for (const { name, damage, because } of [
  { name: 'is no database', damage: () => writeFileSync(path, 'no database '.repeat(999)), because: /not a database/ },
  { name: 'has lost its header', damage: () => overwrite(() => 0), because: /not a database/ },
  { name: 'has a page of garbage', damage: () => overwrite((length) => length / 2), because: /malformed|Tree/ },
  { name: 'is cut off', damage: () => truncateSync(path, 3 * 4096), because: /malformed|Tree/ },
  { name: 'is empty', damage: () => truncateSync(path, 0), because: /it is empty/ },
  {
    name: 'has an object that is no JSON',
    damage: () => execute(`UPDATE objects SET object = '{"kind":' WHERE name = 'ratings'`),
    because: /the object VirtualService\/default\/ratings in it is not JSON/,
  },
  {
    name: 'has an object in the place of another',
    damage: () =>
      execute("UPDATE objects SET object = (SELECT object FROM objects WHERE name = 'reviews') WHERE name = 'ratings'"),
    because: /the object VirtualService\/default\/ratings in it is another one/,
  },
  {
    name: 'has an object of another shape',
    damage: () => execute("UPDATE objects SET object = '17'"),
    because: /ratings in it is no object/,
  },
  { name: 'has lost its history', damage: () => execute('DELETE FROM history'), because: /history lacks the newest/ },
]) {
  it(`a database that ${name} is refused with advice, and its last good rules can be read from the snapshot`, async () => {
    const items = await rulesOfAnEarlierRun();
    damage();
    const failure: unknown = await open().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringMatching(because) });
    const { message } = failure as Error; // compared above
    const commands = [
      `mv ${path} ${path}.damaged; rm -f ${path}-wal`,
      `binnacle export --data-dir ${directory} > rules.yaml`,
      'binnacle import -f rules.yaml',
    ];
    for (const command of commands) expect(message).toContain(command);
    expect(await readRulesSnapshot(rulesSnapshotPath(path))).toMatchObject({ resourceVersion: '51', objects: items });
  });
}

it('a database of a newer version is refused and left unchanged', async () => {
  await rulesOfAnEarlierRun();
  execute('PRAGMA user_version = 3');
  const before = readFileSync(path);
  await expect(open()).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(
      /newer version of binnacle \(format 3, .*: start the newer version again, or restore/,
    ),
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('a database of the previous version is upgraded with all its contents', async () => {
  const object = {
    ...draft({ name: 'old' }),
    metadata: {
      ...draft({ name: 'old' }).metadata,
      creationTimestamp: '2025-01-01T00:00:00.000Z',
      generation: 1,
      resourceVersion: '7',
      uid: 'u-1',
    },
  };
  execute(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE objects (
      kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, object TEXT NOT NULL,
      PRIMARY KEY (kind, namespace, name)
    ) WITHOUT ROWID;
    CREATE TABLE history (
      revision INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
      type TEXT NOT NULL, author TEXT NOT NULL, time TEXT NOT NULL, object TEXT NOT NULL
    );
    CREATE INDEX history_of_object ON history (kind, namespace, name, revision);
    INSERT INTO objects VALUES ('VirtualService', 'default', 'old', '${JSON.stringify(object)}');
    INSERT INTO history VALUES
      (7, 'VirtualService', 'default', 'old', 'created', 'ann', '2025-01-01T00:00:00.000Z', '${JSON.stringify(object)}');
    PRAGMA user_version = 1;
  `);
  const store = await open();
  expect(await store.list('VirtualService')).toEqual({ items: [object], resourceVersion: '7' });
  expect(await store.history(keyOfDraft({ name: 'old' }))).toMatchObject([{ type: 'created', object }]);
  expect(await store.audit({ limit: 10 })).toEqual({ items: [], next: null });
  await store.remove(keyOfDraft({ name: 'old' }), { ...by, expectedResourceVersion: '7' });
  await store.close();

  const again = await open();
  expect(await again.list('VirtualService')).toEqual({ items: [], resourceVersion: '8' });
  expect(await again.audit({ limit: 10 })).toMatchObject({ items: [{ name: 'old', resourceVersion: '8' }] });
  await again.close();
});
