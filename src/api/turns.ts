/** Resolves when the caller may do one small piece of work. */
export type Turn = () => Promise<void>;

/** Pieces of work per turn of the event loop. */
const piecesPerTurn = 10;

/** Creates a queue, first come, first served. Other work runs in between, however many watches are waiting. */
export function createTurns(): Turn {
  let waiting: (() => void)[] = [];
  let isScheduled = false;

  const schedule = () => {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    setImmediate(() => {
      const now = waiting.slice(0, piecesPerTurn);
      waiting = waiting.slice(piecesPerTurn);
      isScheduled = false;
      schedule();
      for (const begin of now) begin();
    });
  };

  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}
