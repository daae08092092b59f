// A thread of the bench: it asks for /healthz again and again over one connection and keeps how long the answers took. In a
// thread of its own, so that what holds up the bench is not taken for the server's delay.
import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const { port, everyMs } = workerData as { port: number; everyMs: number }; // what startProbe gives
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

/** Resolves with the end of the answer. A server that has gone ends the thread. */
function asked(): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/healthz', agent }, (response) => {
      response.resume();
      response.on('end', resolve);
      response.on('error', reject);
    }).on('error', reject);
  });
}
