import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Version of the tables, stored in the file as `user_version`. Version 2 added the audit trail. */
const schemaVersion = 2;

/** Statements that create what an older version lacks. They bring a file of any older version up to date. */
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
  CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, author TEXT NOT NULL, verb TEXT NOT NULL,
    remote TEXT NOT NULL, user_agent TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    code INTEGER NOT NULL, message TEXT, revision TEXT
  );
  PRAGMA user_version = ${schemaVersion};
`;

/** Size to which the write-ahead log shrinks after a transaction of thousands of objects. */
const walBytes = 64 * 1024 * 1024;

/** Checks the file and brings its tables up to date. Throws SQLite's error, or one about the contents. */
export function prepareFile(db: DatabaseSync, maxBytes: number): void {
  // EXCLUSIVE: memory serves the reads, and another writer would make it stale. FULL: a commit returns once it is on
  // disk.
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec(`PRAGMA journal_size_limit = ${walBytes}`);
  const version = numberOf(db.prepare('PRAGMA user_version').get(), 'user_version');
  if (version > schemaVersion) throw new NewerFormatError(`format ${version}, this one reads up to ${schemaVersion}`);
  const check = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (check !== 'ok') throw new DamagedError(String(check));
  db.exec(`BEGIN IMMEDIATE; ${tables} COMMIT`);
  const pageBytes = numberOf(db.prepare('PRAGMA page_size').get(), 'page_size');
  db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
}

/** SQLite can read the file, but its contents are invalid. */
export class DamagedError extends Error {}

/** A later release wrote the file. */
export class NewerFormatError extends Error {}

export type Statements = ReturnType<typeof prepareStatements>;

export const prepareStatements = (db: DatabaseSync) =>
  ({
    objects: db.prepare('SELECT kind, namespace, name, object FROM objects'),
    revision: db.prepare('SELECT coalesce(max(revision), 0) AS revision FROM history'),
    get: db.prepare('SELECT kind, namespace, name, object FROM objects WHERE kind = ? AND namespace = ? AND name = ?'),
    put: db.prepare('INSERT OR REPLACE INTO objects (kind, namespace, name, object) VALUES (?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?'),
    addHistory: db.prepare('INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    forgetOlder: db.prepare(
      'DELETE FROM history WHERE kind = ? AND namespace = ? AND name = ? AND revision <= (SELECT revision FROM history ' +
        'WHERE kind = ? AND namespace = ? AND name = ? ORDER BY revision DESC LIMIT 1 OFFSET ?)',
    ),
    forgetOldest: db.prepare('DELETE FROM history WHERE revision <= ?'),
    history: db.prepare(
      'SELECT revision, type, author, time, object FROM history WHERE kind = ? AND namespace = ? AND name = ? ' +
        'ORDER BY revision DESC',
    ),
    removals: db.prepare(
      "SELECT kind, namespace, name, max(revision) AS revision FROM history WHERE revision > ? AND type = 'removed' " +
        'GROUP BY kind, namespace, name',
    ),
    addAudit: db.prepare(
      'INSERT INTO audit (time, author, verb, remote, user_agent, kind, namespace, name, code, message, revision) ' +
        'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    forgetAudit: db.prepare('DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?'),
  }) satisfies Record<string, StatementSync>;

export type SqlRow = Readonly<Record<string, unknown>>;

export const numberOf = (row: SqlRow | undefined, column: string): number => Number(row?.[column] ?? 0);
