import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type HistoryEntry, historyPerObject, type ObjectKey, type StoredObject } from './store.ts';
import { type Decision, decideWrite, keyOfWrite, type Write } from './write.ts';

/** Bumped when the tables change; kept in the file as `user_version`. */
const schemaVersion = 1;

/** How many changes the history holds over all objects, so that a deleted object's does not stay for ever. */
const historyLimit = 100_000;

const tables = `
  CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, object TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS history (
    revision INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    type TEXT NOT NULL, author TEXT NOT NULL, time TEXT NOT NULL, object TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS history_of_object ON history (kind, namespace, name, revision);
  PRAGMA user_version = ${schemaVersion};
`;

export type Outcome =
  | { readonly ok: true; readonly decision: Decision }
  /** This write alone failed (too large for the disk); `error` is SQLite's. */
  | { readonly ok: false; readonly error: unknown };

/** The rules database. Synchronous, so it lives in a worker; one at a time has the file open. */
export interface RulesDatabase {
  readonly objects: readonly StoredObject[];
  /** The store's counter. It is the newest revision of the history, which is never pruned. */
  revision(): number;
  /** Commits the writes durably, in one transaction if that succeeds. Outcomes are in the order of the writes. */
  write(writes: readonly Write[]): readonly Outcome[];
  history(key: ObjectKey): readonly HistoryEntry[];
  close(): void;
}

export interface DatabaseOptions {
  readonly path: string;
  /** The file never grows beyond this; a write that would make it is refused as if the disk were full. */
  readonly maxBytes: number;
}

/** Opens or creates it. Throws SQLite's error, or one about what it read; nothing stays open then. */
export function openRulesDatabase({ path, maxBytes }: DatabaseOptions): RulesDatabase {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    prepareFile(db, maxBytes);
    const objects = db.prepare('SELECT object FROM objects').all().map(readObject);
    return rulesDatabase(db, objects);
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareFile(db: DatabaseSync, maxBytes: number): void {
  // Exclusive: reads are served from memory, which another writer would make stale. FULL: acknowledged is on disk.
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const version = numberOf(db.prepare('PRAGMA user_version').get(), 'user_version');
  if (version > schemaVersion) throw new Error(`it was written by a newer version of binnacle (format ${version})`);
  const check = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (check !== 'ok') throw new DamagedError(String(check));
  db.exec(`BEGIN IMMEDIATE; ${tables} COMMIT`);
  const pageBytes = numberOf(db.prepare('PRAGMA page_size').get(), 'page_size');
  db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
}

/** SQLite reads the file, but what is in it cannot be right. */
export class DamagedError extends Error {}

function rulesDatabase(db: DatabaseSync, objects: readonly StoredObject[]): RulesDatabase {
  const statements = prepareStatements(db);
  const revision = () => numberOf(statements.revision.get(), 'revision');

  const writeOne = (write: Write): Decision => {
    const key = keyOfWrite(write);
    const args = [key.kind, key.namespace, key.name];
    const row = statements.get.get(...args);
    const decision = decideWrite(row === undefined ? null : readObject(row), write, revision() + 1);
    const { entry } = decision;
    if (entry === null) return decision;
    const object = JSON.stringify(entry.object);
    if (entry.type === 'removed') statements.remove.run(...args);
    else statements.put.run(...args, object);
    const at = Number(entry.resourceVersion);
    statements.note.run(at, ...args, entry.type, entry.author, entry.time, object);
    statements.forgetOlder.run(...args, ...args, historyPerObject);
    statements.forgetOldest.run(at - historyLimit);
    return decision;
  };

  return {
    objects,
    revision,
    write(writes) {
      try {
        return inTransaction(db, () => writes.map((write) => ({ ok: true, decision: writeOne(write) })));
      } catch (error) {
        const [only] = writes;
        if (only === undefined || writes.length === 1) return writes.map(() => ({ ok: false, error }));
        return writes.flatMap((write) => this.write([write])); // the guilty one must not take the others with it
      }
    },
    history: (key) => statements.history.all(key.kind, key.namespace, key.name).map(readHistory),
    close: () => db.close(),
  };
}

const prepareStatements = (db: DatabaseSync) =>
  ({
    revision: db.prepare('SELECT coalesce(max(revision), 0) AS revision FROM history'),
    get: db.prepare('SELECT object FROM objects WHERE kind = ? AND namespace = ? AND name = ?'),
    put: db.prepare('INSERT OR REPLACE INTO objects (kind, namespace, name, object) VALUES (?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?'),
    note: db.prepare('INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    forgetOlder: db.prepare(
      'DELETE FROM history WHERE kind = ? AND namespace = ? AND name = ? AND revision <= (SELECT revision FROM history ' +
        'WHERE kind = ? AND namespace = ? AND name = ? ORDER BY revision DESC LIMIT 1 OFFSET ?)',
    ),
    forgetOldest: db.prepare('DELETE FROM history WHERE revision <= ?'),
    history: db.prepare('SELECT * FROM history WHERE kind = ? AND namespace = ? AND name = ? ORDER BY revision DESC'),
  }) satisfies Record<string, StatementSync>;

function inTransaction<T>(db: DatabaseSync, run: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const value = run();
    db.exec('COMMIT');
    return value;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK'); // SQLite itself rolls back on some errors, such as a full disk
    throw error;
  }
}

type Row = Record<string, unknown>;

/** Rows hold what `write` put there, so a cast is sound unless the file is damaged, which shows as text that is no JSON. */
function readObject(row: Row): StoredObject {
  try {
    return JSON.parse(String(row.object)) as StoredObject;
  } catch (cause) {
    throw new DamagedError('an object in it is not JSON', { cause });
  }
}

const readHistory = (row: Row): HistoryEntry => ({
  type: row.type as HistoryEntry['type'], // only `write` puts rows here
  resourceVersion: String(row.revision),
  author: String(row.author),
  time: String(row.time),
  object: readObject(row),
});

const numberOf = (row: Row | undefined, column: string): number => Number(row?.[column] ?? 0);
