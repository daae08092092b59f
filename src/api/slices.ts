import { setImmediate as nextTurn } from 'node:timers/promises';

/** Serving proxies waits no longer than this for one turn of a long task. */
const sliceMs = 8;

/** Calls `run` for each item in order, and gives way to other work every few milliseconds. */
export async function inSlices<Item>(
  items: readonly Item[],
  run: (item: Item, index: number) => void | Promise<void>,
): Promise<void> {
  let turnStartedAt = performance.now();
  for (const [index, item] of items.entries()) {
    await run(item, index);
    if (performance.now() - turnStartedAt < sliceMs) continue;
    await nextTurn();
    turnStartedAt = performance.now();
  }
}
