import { mkdir } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { committedObjects } from './committed.ts';
import { storeOperations } from './operations.ts';
import { startSqliteThread } from './sqlite-thread.ts';
import type { RuleStore, WriteResult } from './store.ts';
import { changeOf, type Write } from './write.ts';

export interface SqliteStoreOptions {
  /** The database file; its directory is made when it is missing. */
  readonly path: string;
  readonly clock: Clock;
  /** The file never grows beyond this. */
  readonly maxBytes?: number;
}

interface Waiting {
  readonly write: Write;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
}

/** The thread's file stands beside this one: TypeScript in the source tree, JavaScript in the built one. */
const threadUrl = () => new URL(`./sqlite-worker${extname(import.meta.url)}`, import.meta.url);

/**
 * Opens the store of one process on embedded defaults. Rejects with STORE_DAMAGED, STORE_UNAVAILABLE (in use by another
 * process) or DATA_DIR_UNWRITABLE. Reads are served from memory; writes go to a thread that owns the file.
 */
export async function openSqliteStore({ path, clock, maxBytes = 2 ** 31 }: SqliteStoreOptions): Promise<RuleStore> {
  await makeDirectory(dirname(path));
  const { thread, objects, revision } = await startSqliteThread(threadUrl(), { path, maxBytes });
  const committed = committedObjects(objects, revision);
  let waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;
  let closed = false;

  const write = (asked: Write): Promise<WriteResult> => {
    if (closed) return Promise.reject(new MeshError('STORE_UNAVAILABLE', 'the rules store is closed'));
    return new Promise((resolve, reject) => {
      waiting.push({ write: structuredClone(asked), resolve, reject });
      writing ??= writeAll();
    });
  };

  // One batch is on its way at a time; what comes meanwhile, or in the same turn, shares the next one's fsync.
  const writeAll = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await writeBatch(batch);
    }
    writing = null;
  };

  const writeBatch = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const { outcomes, revision: after } = await thread.write(batch.map(({ write: one }) => one));
      const entries = outcomes.flatMap((outcome) => (outcome.ok && outcome.decision.entry) || []);
      committed.commit(entries.map(changeOf), after);
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome?.ok) resolve(outcome.decision.result);
        else
          reject(new MeshError(outcome?.failure.code ?? 'STORE_UNAVAILABLE', outcome?.failure.message ?? 'no answer'));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  return {
    ...storeOperations({ committed, clock, write }),
    history: (key) => thread.history(key),
    async close() {
      closed = true;
      await writing;
      await thread.close();
    },
  };
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
