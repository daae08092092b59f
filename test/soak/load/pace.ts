import { setTimeout as delay } from 'node:timers/promises';

/** Runs `work` a number of times per second, in sequence, until `signal` aborts. Does not catch up on missed runs. */
export async function paced(perSecond: number, signal: AbortSignal, work: () => Promise<void> | void): Promise<void> {
  const everyMs = 1_000 / perSecond;
  let dueMs = performance.now();
  while (!signal.aborted) {
    await work();
    dueMs = Math.max(dueMs + everyMs, performance.now() - 1_000);
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => {}); // `signal` ends the loop
  }
}
