import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { type Logger, silentLogger } from '../../lib/logger.ts';
import type { RuleStore, StoredObject } from '../../rules/store.ts';
import { committedObjects } from '../committed.ts';
import { storeOperations } from '../operations.ts';
import { describeFailure } from './failure.ts';
import { parseInTurns } from './json-pieces.ts';
import { keepThread } from './keeper.ts';
import type { OpenedAnswer } from './messages.ts';
import { type ReopenedDatabase, reconcile } from './reconcile.ts';
import { keepRulesSnapshot, rulesSnapshotPath, setSnapshotAside } from './snapshot.ts';
import { DamagedError } from './tables.ts';
import { type SqliteThread, type StartWorker, startSqliteThread, startWorker, ThreadEnded } from './thread.ts';
import { groupWriter } from './writer.ts';

export interface SqliteStoreOptions {
  /** The database file. Opening creates its directory. */
  readonly path: string;
  readonly clock: Clock;
  readonly log?: Logger;
  /**
   * Receives each object before it is committed to memory, a few in a turn. Listeners are notified later, of all
   * together. Must not throw.
   */
  readonly prepare?: (object: StoredObject) => void;
  /** Maximum size of the file. */
  readonly maxBytes?: number;
  /** Starts the database thread; for tests. */
  readonly start?: StartWorker;
}

/**
 * Opens a store in a SQLite file. Memory serves the reads; a thread that owns the file does the writes, and is
 * restarted when it dies. Rejects with STORE_DAMAGED, STORE_UNAVAILABLE (another process has the file open, or a newer
 * version wrote it) or DATA_DIR_UNWRITABLE.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<RuleStore> {
  const { path, clock, log = silentLogger, maxBytes = 2 ** 31, start = startWorker, prepare = () => {} } = options;
  await makeDirectory(dirname(path));
  await refuseEmptied(path);
  const open = (since: number) => startSqliteThread(start, { path, maxBytes, since });

  const first = await open(Number.MAX_SAFE_INTEGER);
  const { objects, revision } = await foundIn(first.opened);
  const committed = committedObjects({ objects, revision, log });
  if (revision === 0) await setSnapshotAside({ databasePath: path, log });
  const reopen = async (): Promise<SqliteThread> => {
    const { thread, opened } = await open(committed.revision());
    const found = await foundIn(opened);
    await writer.idle(); // writes that were answered before the thread ended are applied first
    if (found.revision >= committed.revision()) {
      reconcile(committed, found);
      return thread;
    }
    await thread.close();
    const versions = `its last version is ${found.revision}, that of the rules in use ${committed.revision()}`;
    const message = `the rules database ${path} is not the one that was open (${versions}): put that one back`;
    throw new MeshError('STORE_UNAVAILABLE', message);
  };
  const keeper = keepThread(first.thread, { clock, log, path, reopen });
  const writer = groupWriter({ thread: keeper.current, committed, log, prepare });
  const snapshot = keepRulesSnapshot({
    clock,
    log,
    databasePath: path,
    contents: () => ({ objects: committed.all(), resourceVersion: String(committed.revision()) }),
  });
  committed.subscribe(() => snapshot.touch()); // calls back at once, unless there are no objects
  let closed = false;

  const ask = async <T>(question: (thread: SqliteThread) => Promise<T>): Promise<T> => {
    try {
      return await question(keeper.current());
    } catch (cause) {
      if (!(cause instanceof ThreadEnded)) throw cause;
      throw new MeshError('STORE_UNAVAILABLE', 'the thread of the rules store ended: ask again', { cause });
    }
  };

  return {
    ...storeOperations({
      committed,
      clock,
      async transact(writes, stamp) {
        if (closed) throw new MeshError('STORE_UNAVAILABLE', 'the rules store is closed');
        return writer.transact(writes, stamp);
      },
    }),
    history: (key) => ask((thread) => thread.history(key)),
    note: async (entry) => {
      if (!closed) await writer.note(entry);
    },
    audit: (query) => ask((thread) => thread.audit(query)),
    async close() {
      closed = true;
      await writer.idle();
      await Promise.all([keeper.close(), snapshot.close()]);
    },
  };
}

async function foundIn({ objects: pieces, revision, removals }: OpenedAnswer): Promise<ReopenedDatabase> {
  const objects = await parseInTurns(pieces);
  return { objects, revision, removals, bytes: pieces.reduce((sum, { length }) => sum + length, 0) };
}

/** Rejects an empty file that replaces a database with rules. SQLite would open it as a new database. */
async function refuseEmptied(path: string): Promise<void> {
  const file = await stat(path).catch(() => null); // opening the database reports what is wrong with the file
  if (file?.size !== 0 || !existsSync(rulesSnapshotPath(path))) return;
  const { code, message } = describeFailure(new DamagedError('it is empty'), path);
  throw new MeshError(code, message);
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const cure = 'correct its owner or mode, or choose another with --data-dir';
    throw new MeshError('DATA_DIR_UNWRITABLE', `the directory ${directory} cannot be made (${text}): ${cure}`, {
      cause,
    });
  }
}
