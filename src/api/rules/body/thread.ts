import { extname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { err, ok } from '../../../lib/result.ts';
import type { BodyFormat, BodyItem, BodyResult, BodyShape } from './contract.ts';

/** Task of a parsing thread. */
export interface WorkerTask {
  readonly bytes: Uint8Array;
  readonly format: BodyFormat;
  readonly shape: BodyShape;
}

export type BodyWorkerAnswer =
  | {
      readonly type: 'items';
      readonly items: readonly (Omit<BodyItem, 'value'> & { readonly json: string })[];
    }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'end' };

/** Time limit for parsing. It is far above what a regular YAML body of that size takes. */
const maxReadMs = (bytes: number) => 60_000 + bytes / 250;
/** Heap limit for parsing. YAML needs several times more memory than JSON of the same size. */
const maxHeapMb = (bytes: number) => 512 + (bytes * 20) / 2 ** 20;
/** Maximum number of threads. Each occupies a processor; further bodies wait. */
const maxThreads = 2;

const threadUrl = () => new URL(`./body-worker${extname(import.meta.url)}`, import.meta.url);

let running = 0;
const waiting: (() => void)[] = [];

/** Parses a big body in a separate thread, so that this one keeps serving. */
export async function parseInThread(task: WorkerTask): Promise<BodyResult> {
  if (running >= maxThreads) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await readBy(task);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next(); // passes the slot to the next in the queue
  }
}

async function readBy(task: WorkerTask): Promise<BodyResult> {
  const worker = new Worker(threadUrl(), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb(task.bytes.length) },
  });
  const texts: (Omit<BodyItem, 'value'> & { readonly json: string })[] = [];
  let slow: NodeJS.Timeout | undefined;
  const failure = await new Promise<string | null>((resolve) => {
    slow = setTimeout(
      () => resolve('the body takes too long to be read: send less at once'),
      maxReadMs(task.bytes.length),
    );
    worker.on('message', (answer: BodyWorkerAnswer) => {
      if (answer.type === 'items') texts.push(...answer.items);
      else resolve(answer.type === 'end' ? null : answer.message);
    });
    worker.on('error', (error) => resolve(`the body cannot be read (${error.message}): send less at once`));
    worker.on('exit', () => resolve('the body could not be read: send less at once'));
  });
  clearTimeout(slow);
  await worker.terminate();
  if (failure !== null) return err(failure);

  const items: BodyItem[] = [];
  for (const [index, { json, ...item }] of texts.entries()) {
    if (index % 100 === 99) await nextTurn();
    items.push({ ...item, value: JSON.parse(json) });
  }
  return ok(items);
}
