import { Worker } from 'node:worker_threads';

export interface WatcherTask {
  readonly port: number;
  /** URL path of the list, with `watch=true`. */
  readonly path: string;
  readonly watches: number;
  /** Number of new objects that each watch must receive. */
  readonly expected: number;
}

/** Data received by the watches so far. */
export interface WatcherReport {
  readonly event: 'opened' | 'complete' | 'report';
  readonly bytes: number;
  /** Watches that the server or an error ended. */
  readonly ended: number;
}

export interface Watchers {
  /** Resolves once every watch received all expected objects, or after `timeoutMs` with the state by then. */
  complete(timeoutMs: number): Promise<WatcherReport>;
  stop(): Promise<void>;
}

/** Opens watches in one separate thread. Resolves once every one is answered. */
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
