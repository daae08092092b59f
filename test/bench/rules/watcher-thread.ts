// A thread of the bench: it opens watches on one list and counts what they are told. Reading hundreds of megabytes must not
// hold up the thread that applies.
import { get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import type { WatcherReport, WatcherTask } from './watchers.ts';

const { port, path, watches, expected } = workerData as WatcherTask; // what startWatchers gives
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
