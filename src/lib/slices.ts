import { setImmediate as nextTurn } from 'node:timers/promises';

/** Serving proxies waits no longer than this for one turn of a long task. */
const sliceMs = 5;

/** A long task in slices: after each piece of it, `await slices.next()` where `isOver` says so. */
export interface Slices {
  /** Whether this slice has taken its time. */
  readonly isOver: boolean;
  /** Lets other work run, then begins the next slice. */
  next(): Promise<void>;
}

export interface SlicesOptions {
  /** Lets other work run; left out: `setImmediate`. */
  readonly pause?: () => Promise<void>;
  /** A monotonic time in milliseconds; left out: that of the process. */
  readonly elapsed?: () => number;
}

/** Begins the first slice. */
export function startSlices({ pause = nextTurn, elapsed = () => performance.now() }: SlicesOptions = {}): Slices {
  let began = elapsed();
  return {
    get isOver() {
      return elapsed() - began >= sliceMs;
    },
    async next() {
      await pause();
      began = elapsed();
    },
  };
}

/** Calls `run` for each item in order, and gives way to other work every few milliseconds. */
export async function inSlices<Item>(
  items: readonly Item[],
  run: (item: Item, index: number) => void | Promise<void>,
): Promise<void> {
  const slices = startSlices();
  for (const [index, item] of items.entries()) {
    await run(item, index);
    if (slices.isOver) await slices.next();
  }
}
