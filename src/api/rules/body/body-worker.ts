import { parentPort, workerData } from 'node:worker_threads';
import type { BodyItem } from './contract.ts';
import { parseBody } from './parse.ts';
import type { BodyWorkerAnswer, WorkerTask } from './thread.ts';

/**
 * Characters per message between threads. The receiver parses the texts one by one and can do other work in between.
 */
const chunkChars = 256 * 1024;

function run({ bytes, format, shape }: WorkerTask, answer: (message: BodyWorkerAnswer) => void): void {
  const parsed = parseBody(bytes, format, shape);
  if (!parsed.ok) {
    answer({ type: 'failed', message: parsed.error });
    return;
  }
  let chunk: (Omit<BodyItem, 'value'> & { readonly json: string })[] = [];
  let size = 0;
  for (const { value, ...item } of parsed.value) {
    const json = JSON.stringify(value) ?? 'null';
    chunk.push({ ...item, json });
    size += json.length;
    if (size < chunkChars) continue;
    answer({ type: 'items', items: chunk });
    chunk = [];
    size = 0;
  }
  answer({ type: 'items', items: chunk });
  answer({ type: 'end' });
}

const port = parentPort;
// The thread that starts this file passes a task of this type.
if (port !== null) run(workerData as WorkerTask, (message) => port.postMessage(message));
