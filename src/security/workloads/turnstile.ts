/** Runs a piece of work when it is its turn. Skips it, rejecting with the signal's reason, once the signal has aborted. */
export type Turnstile = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Lets so many pieces of work run at once; others wait in the order in which they came. */
export function createTurnstile(atOnce: number): Turnstile {
  let free = atOnce;
  const waiting: (() => void)[] = [];

  return async (work, signal) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve)); // inherits the place of the one that ended
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
