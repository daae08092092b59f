// Opens watches on one list and counts their events. Runs in a separate thread: reading hundreds of megabytes must not
// delay the thread that applies.
import { get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import type { WatcherReport, WatcherTask } from './watchers.ts';

const { port, path, watches, expected } = workerData as WatcherTask; // startWatchers passes this
const report = { bytes: 0, ended: 0 };
let [opened, complete] = [0, 0];

for (let watch = 0; watch < watches; watch++) open();

function open(): void {
  get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
    if (++opened === watches) tell('opened');
    let added = 0;
    let unfinished = '';
    response.setEncoding('latin1');
    response.on('data', (text: string) => {
      report.bytes += text.length;
      const lines = (unfinished + text).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('{"type":"ADDED"')) added++;
      if (added >= expected && added < Number.POSITIVE_INFINITY) {
        added = Number.POSITIVE_INFINITY; // counted once
        if (++complete === watches) tell('complete');
      }
    });
    response.on('close', () => {
      report.ended++;
    });
  }).on('error', () => {
    report.ended++;
  });
}

function tell(event: WatcherReport['event']): void {
  parentPort?.postMessage({ event, ...report } satisfies WatcherReport);
}

parentPort?.on('message', () => tell('report'));
