import { extname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { err, ok } from '../../../lib/result.ts';
import type { BodyFormat, BodyItem, BodyResult, BodyShape } from './contract.ts';

/** What a thread is to read. */
export interface WorkerTask {
  readonly bytes: Uint8Array;
  readonly format: BodyFormat;
  readonly shape: BodyShape;
}

export type WorkerAnswer =
  | {
      readonly type: 'items';
      readonly items: readonly (Omit<BodyItem, 'value'> & { readonly json: string })[];
    }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'end' };

/** YAML takes half a second for each of its megabytes; what takes longer was made to. */
const maxReadMs = (bytes: number) => 60_000 + bytes / 250;
/** YAML takes some forty times its size while it is read, JSON ten times. */
const maxHeapMb = (bytes: number) => 512 + (bytes * 20) / 2 ** 20;
/** Each thread holds a processor; the others wait their turn. */
const maxThreads = 2;

const threadUrl = () => new URL(`./body-worker${extname(import.meta.url)}`, import.meta.url);

let running = 0;
const waiting: (() => void)[] = [];

/** Reads a big body in a thread of its own, so that this one can serve meanwhile. */
export async function parseInThread(task: WorkerTask): Promise<BodyResult> {
  if (running >= maxThreads) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await readBy(task);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next(); // the place goes on to it
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
    worker.on('message', (answer: WorkerAnswer) => {
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
