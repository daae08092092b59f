/** Calls `run` with 0 to `count` - 1, at most `parallel` at a time. */
export async function inTurns(count: number, parallel: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, count) }, worker));
}
