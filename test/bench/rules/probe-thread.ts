// Requests /healthz repeatedly over one connection, and records the durations. Runs in a separate thread, so that
// delays of the bench do not count as delays of the server.
import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const { port, everyMs } = workerData as { port: number; everyMs: number }; // startProbe passes this
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let longestMs = 0;

parentPort?.on('message', () => {
  parentPort?.postMessage(longestMs);
  longestMs = 0;
});

for (;;) {
  const startedAt = performance.now();
  await asked();
  longestMs = Math.max(longestMs, performance.now() - startedAt);
  await delay(everyMs);
}

/** Resolves at the end of the answer. The thread ends when the server has gone. */
function asked(): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/healthz', agent }, (response) => {
      response.resume();
      response.on('end', resolve);
      response.on('error', reject);
    }).on('error', reject);
  });
}
