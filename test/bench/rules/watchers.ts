import { Worker } from 'node:worker_threads';

export interface WatcherTask {
  readonly port: number;
  /** Of the list, with `watch=true`. */
  readonly path: string;
  readonly watches: number;
  /** How many new objects each watch is to be told of. */
  readonly expected: number;
}

/** What the watches were sent so far. */
export interface WatcherReport {
  readonly event: 'opened' | 'complete' | 'report';
  readonly bytes: number;
  /** Watches that the server, or an error, ended. */
  readonly ended: number;
}

export interface Watchers {
  /** Resolves once every watch was told of all that it expects, or after `timeoutMs` with what it was. */
  complete(timeoutMs: number): Promise<WatcherReport>;
  stop(): Promise<void>;
}

/** Opens watches, all of them in a thread of their own; resolves once every one is answered. */
export async function startWatchers(task: WatcherTask): Promise<Watchers> {
  const worker = new Worker(new URL('./watcher-thread.ts', import.meta.url), { workerData: task });
  const next = (events: readonly WatcherReport['event'][]) =>
    new Promise<WatcherReport>((resolve, reject) => {
      const listen = (report: WatcherReport) => {
        if (!events.includes(report.event)) return;
        worker.off('message', listen);
        resolve(report);
      };
      worker.on('message', listen);
      worker.once('error', reject);
    });
  const completed = next(['complete']);
  await next(['opened']);
  return {
    async complete(timeoutMs) {
      const timer = setTimeout(() => worker.postMessage('report'), timeoutMs);
      try {
        return await Promise.race([completed, next(['report'])]);
      } finally {
        clearTimeout(timer);
      }
    },
    stop: async () => void (await worker.terminate()),
  };
}
