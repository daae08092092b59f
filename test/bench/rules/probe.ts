import { Worker } from 'node:worker_threads';

export interface Probe {
  /** The longest that an answer took since this was asked last, in milliseconds. */
  longestMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Asks a server's `/healthz` all the time, from a thread of its own. Not more often: each question costs the server 0.3 ms. */
export function startProbe(port: number, everyMs = 20): Probe {
  const worker = new Worker(new URL('./probe-thread.ts', import.meta.url), { workerData: { port, everyMs } });
  const failed = new Promise<never>((_resolve, reject) => {
    worker.once('error', (cause) => reject(new Error('/healthz did not answer', { cause })));
  });
  failed.catch(() => {}); // told to who asks next
  return {
    longestMs() {
      const answered = new Promise<number>((resolve) => worker.once('message', resolve));
      worker.postMessage('longest');
      return Promise.race([answered, failed]);
    },
    stop: async () => void (await worker.terminate()),
  };
}
