import { Worker } from 'node:worker_threads';

export interface Probe {
  /** Returns the longest duration of an answer since the last call, in milliseconds. */
  longestMs(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Requests a server's `/healthz` from a separate thread. The interval limits the CPU time that these requests cost the
 * server.
 */
export function startProbe(port: number, everyMs = 20): Probe {
  const worker = new Worker(new URL('./probe-thread.ts', import.meta.url), { workerData: { port, everyMs } });
  const failed = new Promise<never>((_resolve, reject) => {
    worker.once('error', (cause) => reject(new Error('/healthz did not answer', { cause })));
  });
  failed.catch(() => {}); // the next caller gets the error
  return {
    longestMs() {
      const answered = new Promise<number>((resolve) => worker.once('message', resolve));
      worker.postMessage('longest');
      return Promise.race([answered, failed]);
    },
    stop: async () => void (await worker.terminate()),
  };
}
