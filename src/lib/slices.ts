import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest turn of a background task, which bounds the delay of serving proxies. */
const sliceMs = 5;

/** Long task in slices: after each piece, `await slices.next()` if `isOver`. */
export interface Slices {
  /** True once this slice has used its time. */
  readonly isOver: boolean;
  /** Lets other work run, then starts the next slice. */
  next(): Promise<void>;
}

export interface SlicesOptions {
  /** Lets other work run; `setImmediate` by default. */
  readonly pause?: () => Promise<void>;
  /** Returns a monotonic time in milliseconds; that of the process by default. */
  readonly elapsed?: () => number;
}

/** Starts the first slice. */
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

/** Calls `run` for each item in order and yields to other work every few milliseconds. */
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
