import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import {
  type AuditEntry,
  type AuditPage,
  type AuditQuery,
  auditLimit,
  historyLimit,
  historyPerObject,
  type ObjectKey,
  type StoreRefusal,
} from '../../rules/store.ts';
import { filtersOf, pageSize, positionLimit } from '../audit-query.ts';
import { auditEntryOf, type Decided, decideTransaction, keyOf, keyText, type Transaction } from '../write.ts';
import { auditEntryOfRow, auditValues, historyTextOfRow, objectOfRow } from './rows.ts';
import { DamagedError, numberOf, prepareFile, prepareStatements, type Statements } from './tables.ts';

/** Result of a transaction. Texts are JSON. */
export type DatabaseOutcome =
  /** Each text is a `Commit` (committed.ts). */
  | { readonly type: 'kept'; readonly commits: readonly string[] }
  /** Result of a dry run. Each text is a `Written`. */
  | { readonly type: 'tried'; readonly written: readonly string[] }
  | { readonly type: 'refused'; readonly index: number; readonly refusal: StoreRefusal }
  /** Only this transaction failed (for example too large for the disk). `error` is SQLite's. */
  | { readonly type: 'failed'; readonly error: unknown };

/** Transactions and audit entries that share one commit. */
export interface TransactionGroup {
  readonly transactions: readonly Transaction[];
  /** Audit entries about refused requests. */
  readonly notes: readonly AuditEntry[];
}

export interface GroupOutcome {
  /** In the order of the transactions. */
  readonly outcomes: readonly DatabaseOutcome[];
  /** SQLite's error if it did not write the notes. */
  readonly notesError: unknown;
}

/**
 * The rules database. Its calls are synchronous, so it runs in a worker. Only one process can open the file at a time.
 */
export interface RulesDatabase {
  /** Returns every object as JSON. Throws an error that says why an object is invalid. */
  objects(): readonly string[];
  /** The store's counter: the newest revision of the history. Pruning never removes that row. */
  revision(): number;
  /** Returns the newest removal of each object that was removed after version `since`. */
  removals(since: number): readonly { readonly key: ObjectKey; readonly revision: number }[];
  /**
   * Commits the group durably, together if possible. If that fails, commits each transaction and the notes separately.
   */
  write(group: TransactionGroup): GroupOutcome;
  /** Returns texts of `HistoryEntry`, newest first, about `historyBytes` at most. */
  history(key: ObjectKey): readonly string[];
  audit(query: AuditQuery): AuditPage;
  close(): void;
}

export interface DatabaseOptions {
  readonly path: string;
  /** Maximum size of the file. A write that would exceed it is refused as if the disk were full. */
  readonly maxBytes: number;
}

/** Limits the history of large objects, so that reading it does not delay writers for long. */
const historyBytes = 16 * 1024 * 1024;

/** Opens or creates the database. Throws SQLite's error, or one about the contents; the file is closed then. */
export function openRulesDatabase({ path, maxBytes }: DatabaseOptions): RulesDatabase {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    prepareFile(db, maxBytes);
    return rulesDatabase(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function rulesDatabase(db: DatabaseSync): RulesDatabase {
  const statements = prepareStatements(db);
  const revision = () => numberOf(statements.revision.get(), 'revision');

  const writeGroup = ({ transactions, notes }: TransactionGroup): GroupOutcome => {
    const outcomes = inTransaction(db, () => {
      const done = transactions.map((transaction) => writeTransaction(statements, transaction, revision()));
      for (const note of notes) statements.addAudit.run(...auditValues(note));
      statements.forgetOldest.run(revision() - historyLimit);
      statements.forgetAudit.run(auditLimit);
      return done;
    });
    return { outcomes, notesError: null };
  };

  /** Isolates the transaction that fails, so that the others of the group succeed. */
  const writeSeparately = ({ transactions, notes }: TransactionGroup): GroupOutcome => ({
    outcomes: transactions.flatMap(
      (transaction) => database.write({ transactions: [transaction], notes: [] }).outcomes,
    ),
    notesError: notes.length === 0 ? null : database.write({ transactions: [], notes }).notesError,
  });

  const database: RulesDatabase = {
    objects() {
      const objects = statements.objects.all().map(objectOfRow);
      const newest = objects.reduce((max, { object }) => Math.max(max, Number(object.metadata.resourceVersion)), 0);
      if (!(newest <= revision())) throw new DamagedError('its history lacks the newest changes of its objects');
      return objects.map(({ text }) => text);
    },
    revision,
    removals: (since) =>
      statements.removals.all(since).map(({ kind, namespace, name, revision: at }) => ({
        key: { kind: String(kind), namespace: String(namespace), name: String(name) },
        revision: Number(at),
      })),
    write(group) {
      try {
        return writeGroup(group);
      } catch (error) {
        const { transactions, notes } = group;
        if (transactions.length + (notes.length > 0 ? 1 : 0) > 1) return writeSeparately(group);
        return { outcomes: transactions.map(() => ({ type: 'failed', error })), notesError: error };
      }
    },
    history(key) {
      const texts: string[] = [];
      let length = 0;
      for (const row of statements.history.iterate(key.kind, key.namespace, key.name)) {
        const text = historyTextOfRow(row);
        length += text.length;
        if (length > historyBytes && texts.length > 0) break;
        texts.push(text);
      }
      return texts;
    },
    audit: (query) => readAuditPage(db, query),
    close: () => db.close(),
  };
  return database;
}

function inTransaction<T>(db: DatabaseSync, run: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const value = run();
    db.exec('COMMIT');
    return value;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK'); // SQLite rolls back itself on some errors, such as a full disk
    throw error;
  }
}

function writeTransaction(statements: Statements, transaction: Transaction, revision: number): DatabaseOutcome {
  const lengths = new Map<string, number>(); // length of the JSON of each object that was read
  const read = (key: ObjectKey) => {
    const row = statements.get.get(key.kind, key.namespace, key.name);
    if (row === undefined) return null;
    const { object, text } = objectOfRow(row);
    lengths.set(keyText(key), text.length);
    return object;
  };
  const decided = decideTransaction(transaction, { read, revision, newUid: randomUUID });
  if (!decided.ok) return { type: 'refused', ...decided.error };
  if (transaction.dryRun) {
    const written = decided.value.map(({ action, object }) => JSON.stringify({ action, object }));
    return { type: 'tried', written };
  }
  const commits = decided.value.map((one) => keep(statements, transaction, { ...one, lengths }));
  return { type: 'kept', commits };
}

interface Kept extends Decided {
  /** Length of the JSON of each object before the transaction, by key. */
  readonly lengths: ReadonlyMap<string, number>;
}

/** Writes one change to every table that shows it. Returns the text of its `Commit`. */
function keep(statements: Statements, stamp: Transaction, kept: Kept): string {
  const { action, object, revision, lengths } = kept;
  const key = keyOf(object);
  const keyArgs = [key.kind, key.namespace, key.name] as const;
  if (action === 'unchanged' || revision === null) return JSON.stringify({ action, key });
  const text = JSON.stringify(object);
  if (action === 'removed') statements.remove.run(...keyArgs);
  else statements.put.run(...keyArgs, text);
  statements.addHistory.run(revision, ...keyArgs, action, stamp.author, stamp.time, text);
  statements.forgetOlder.run(...keyArgs, ...keyArgs, historyPerObject);
  const audited = auditEntryOf(stamp, kept);
  if (audited !== null) statements.addAudit.run(...auditValues(audited));
  const bytes = text.length + (lengths.get(keyText(key)) ?? 0);
  if (action === 'removed') return JSON.stringify({ action, key, revision, bytes });
  return `{"action":"${action}","bytes":${bytes},"object":${text}}`;
}

function readAuditPage(db: DatabaseSync, query: AuditQuery): AuditPage {
  const limit = pageSize(query);
  const filters = filtersOf(query);
  const conditions = ['id < ?', ...filters.map(({ column }) => `${column} = ?`)].join(' AND ');
  const rows = db
    .prepare(`SELECT * FROM audit WHERE ${conditions} ORDER BY id DESC LIMIT ?`)
    .all(positionLimit(query), ...filters.map(({ value }) => value), limit + 1);
  const items = rows.slice(0, limit);
  return { items: items.map(auditEntryOfRow), next: rows.length > limit ? String(items.at(-1)?.id) : null };
}
