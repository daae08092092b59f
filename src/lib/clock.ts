/** Time as a parameter, so that tests advance it instead of waiting. All values are milliseconds. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once after `delayMs`. The returned function cancels it; cancelling twice is harmless. */
  after(delayMs: number, run: () => void): () => void;
}

/**
 * Begins as the machine's clock and then only moves forward, at one pace: for deadlines, which a clock that is set must not move.
 * It drifts from the time of day when that is set, and stands still while the machine sleeps.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (delayMs, run) => systemClock.after(delayMs, run),
};

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
