/** Runs a task when a slot is free. Skips it once the signal has aborted, and rejects with the signal's reason. */
export type Turnstile = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Limits concurrent tasks to `atOnce`. Others wait in order of arrival. */
export function createTurnstile(atOnce: number): Turnstile {
  let free = atOnce;
  const waiting: (() => void)[] = [];

  return async (work, signal) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve)); // inherits the slot of an ended task
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
