import { Worker } from 'node:worker_threads';
import { MeshError } from '../../lib/errors.ts';
import type { WorkerAnswer, WorkerOptions, WorkerRequest } from './sqlite-messages.ts';
import type { HistoryEntry, ObjectKey, StoredObject } from './store.ts';
import type { Write } from './write.ts';

type Written = Extract<WorkerAnswer, { type: 'written' }>;

/** The database's thread, seen from the serving thread: a question, an answer. */
export interface SqliteThread {
  write(writes: readonly Write[]): Promise<Written>;
  history(key: ObjectKey): Promise<readonly HistoryEntry[]>;
  close(): Promise<void>;
}

export interface OpenedThread {
  readonly thread: SqliteThread;
  readonly objects: readonly StoredObject[];
  readonly revision: number;
}

interface Asked {
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Resolves once the database is open. Rejects, with the thread ended, when it cannot be opened. */
export async function startSqliteThread(url: URL, options: WorkerOptions): Promise<OpenedThread> {
  // `node:sqlite` still prints a warning that it is experimental: not something an operator can act on.
  const worker = new Worker(url, { workerData: options, execArgv: ['--disable-warning=ExperimentalWarning'] });
  const asked: Asked[] = []; // answers come in the order of the questions
  let ended: MeshError | null = null;

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const end = (cause?: unknown) => {
    const message = 'the thread of the rules store ended; rules stay in use, restart binnacle to change them';
    ended ??= new MeshError('STORE_UNAVAILABLE', message, cause === undefined ? {} : { cause });
    for (const { reject } of asked.splice(0)) reject(ended);
  };
  worker.on('message', (answer: WorkerAnswer) => asked.shift()?.resolve(answer));
  worker.on('error', end);
  worker.on('exit', () => end());

  const answer = async <Type extends WorkerAnswer['type']>(
    type: Type,
  ): Promise<Extract<WorkerAnswer, { type: Type }>> => {
    const got = await new Promise<WorkerAnswer>((resolve, reject) => asked.push({ resolve, reject }));
    if (got.type === 'failed') throw new MeshError(got.failure.code, got.failure.message);
    if (got.type !== type) throw new Error(`the rules database answered ${got.type} instead of ${type}`);
    return got as Extract<WorkerAnswer, { type: Type }>; // its type was just compared
  };
  const send = (request: WorkerRequest) => {
    if (ended !== null) throw ended;
    worker.postMessage(request);
  };

  const opened = await answer('opened').catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  const thread: SqliteThread = {
    async write(writes) {
      send({ type: 'write', writes });
      return answer('written');
    },
    async history(key) {
      send({ type: 'history', key });
      return (await answer('history')).entries;
    },
    async close() {
      if (ended === null) worker.postMessage({ type: 'close' } satisfies WorkerRequest);
      await exited;
    },
  };
  return { thread, objects: opened.objects, revision: opened.revision };
}
