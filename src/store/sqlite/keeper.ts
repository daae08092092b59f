import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { SqliteThread } from './thread.ts';

/** Restarts the database thread when it dies (a crash, out of memory). */
export interface ThreadKeeper {
  /** Throws STORE_UNAVAILABLE while no thread runs. */
  current(): SqliteThread;
  /** Ends the thread and the attempts to start another. */
  close(): Promise<void>;
}

export interface ThreadKeeperOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The database file, for the log. */
  readonly path: string;
  /** Opens the database in a new thread, and applies changes that the database has and memory lacks. */
  readonly reopen: () => Promise<SqliteThread>;
}

const restartBackoff = { baseMs: 200, maxMs: 30_000 };

export function keepThread(first: SqliteThread, { clock, log, path, reopen }: ThreadKeeperOptions): ThreadKeeper {
  let thread: SqliteThread | null = null;
  let closed = false;
  let attempt = 0;
  let cancelRestart: () => void = () => {};
  let restarting: Promise<void> = Promise.resolve();

  const watch = (started: SqliteThread): void => {
    thread = started;
    void started.ended.then((error) => {
      if (closed) return;
      thread = null;
      log.error({ err: error, path }, 'thread of the rules store ended');
      restartLater();
    });
  };

  const restartLater = (): void => {
    cancelRestart = clock.after(backoffMs(attempt++, restartBackoff), () => {
      restarting = restart();
    });
  };

  const restart = async (): Promise<void> => {
    try {
      const started = await reopen();
      if (closed) return await started.close();
      attempt = 0;
      watch(started);
      log.info({ path }, 'thread of the rules store started again');
    } catch (error) {
      log.error({ err: error, path, attempt }, 'thread of the rules store not started again');
      if (!closed) restartLater();
    }
  };

  watch(first);
  return {
    current() {
      if (thread !== null) return thread;
      const message = 'the thread of the rules store ended and is being started again: nothing was done; try again';
      throw new MeshError('STORE_UNAVAILABLE', `${message} in a few seconds, and read the log if it lasts`);
    },
    async close() {
      closed = true;
      cancelRestart();
      await restarting;
      await thread?.close();
    },
  };
}
