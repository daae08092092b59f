import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MeshError } from '../../lib/errors.ts';
import type { AuditPage, AuditQuery, HistoryEntry, ObjectKey } from '../../rules/store.ts';
import { parseInTurns } from './json-pieces.ts';
import type {
  DatabaseAnswer,
  DatabaseRequest,
  DatabaseWorkerOptions,
  GroupHead,
  OpenedAnswer,
  WrittenAnswer,
} from './messages.ts';

/** Client of the database thread: each request has one answer. */
export interface SqliteThread {
  /** Sends writes of the next group, as the inside of a JSON array. */
  part(text: string): void;
  /** Commits the writes of the preceding parts. Rejects with `ThreadEnded` when their outcome is unknown. */
  write(head: GroupHead): Promise<WrittenAnswer>;
  history(key: ObjectKey): Promise<readonly HistoryEntry[]>;
  audit(query: AuditQuery): Promise<AuditPage>;
  /** Resolves when the thread has ended: with the error that ended it, or null. */
  readonly ended: Promise<Error | null>;
  close(): Promise<void>;
}

export interface OpenedThread {
  readonly thread: SqliteThread;
  readonly opened: OpenedAnswer;
}

export type StartWorker = (url: URL, options: DatabaseWorkerOptions) => Worker;

/** Error of a request that the thread did not answer before it ended. */
export class ThreadEnded extends Error {}

interface PendingAnswer {
  readonly resolve: (answer: DatabaseAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** URL of the thread's file in this directory: TypeScript in the source tree, JavaScript in the build. */
const threadUrl = () => new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/** Hides the warning that `node:sqlite` is experimental: an operator cannot act on it. */
export const startWorker: StartWorker = (url, options) =>
  new Worker(url, { workerData: options, execArgv: ['--disable-warning=ExperimentalWarning'] });

/** Resolves once the database is open. If opening fails, ends the thread and rejects. */
export async function startSqliteThread(start: StartWorker, options: DatabaseWorkerOptions): Promise<OpenedThread> {
  const worker = start(threadUrl(), options);
  const pending: PendingAnswer[] = []; // answers arrive in the order of the requests
  let failure: Error | null = null;
  let isEnded = false;

  const ended = new Promise<Error | null>((resolve) => {
    worker.on('error', (error: Error) => {
      failure = error;
    });
    worker.on('exit', () => {
      isEnded = true;
      const cause = failure === null ? {} : { cause: failure };
      for (const { reject } of pending.splice(0)) reject(new ThreadEnded('the thread of the rules store ended', cause));
      resolve(failure);
    });
  });
  worker.on('message', (answer: DatabaseAnswer) => pending.shift()?.resolve(answer));

  const answer = async <Type extends DatabaseAnswer['type']>(
    type: Type,
  ): Promise<Extract<DatabaseAnswer, { type: Type }>> => {
    const got = await new Promise<DatabaseAnswer>((resolve, reject) => pending.push({ resolve, reject }));
    if (got.type === 'failed') throw new MeshError(got.failure.code, got.failure.message);
    if (got.type !== type) throw new Error(`the rules database answered ${got.type} instead of ${type}`);
    return got as Extract<DatabaseAnswer, { type: Type }>; // its type was just compared
  };
  const send = (request: DatabaseRequest) => {
    if (isEnded) throw new MeshError('STORE_UNAVAILABLE', 'the thread of the rules store ended; nothing was stored');
    worker.postMessage(request);
  };

  const opened = await answer('opened').catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  const thread: SqliteThread = {
    part: (text) => send({ type: 'part', text }),
    async write(head) {
      send({ type: 'write', head: JSON.stringify(head) });
      return answer('written');
    },
    async history(key) {
      send({ type: 'history', key });
      return parseInTurns((await answer('history')).entries);
    },
    async audit(query) {
      send({ type: 'audit', query });
      return (await answer('audit')).page;
    },
    ended,
    async close() {
      if (!isEnded) worker.postMessage({ type: 'close' } satisfies DatabaseRequest);
      await ended;
    },
  };
  return { thread, opened };
}
