/** Resolves when it is the caller's turn to do a small piece of work. */
export type Turn = () => Promise<void>;

/** How many pieces of work are done in one turn of the event loop. */
const piecesPerTurn = 10;

/** First come, first served: however many watches have something to do, other work gets its turn in between. */
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
