import { setTimeout as delay } from 'node:timers/promises';

/** Does something so many times a second until `signal` aborts, one after the other; what it cannot keep up with is not made up for. */
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
