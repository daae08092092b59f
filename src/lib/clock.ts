/** Time as a parameter, so that tests advance it instead of waiting. All values are milliseconds. */
export interface Clock {
  /** Returns milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once after `delayMs`. The returned function cancels it; cancelling twice is harmless. */
  after(delayMs: number, run: () => void): () => void;
}

/**
 * Monotonic clock for deadlines. It starts at the time of day and ignores later adjustments of the system clock. It
 * stops while the machine sleeps.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (delayMs, run) => systemClock.after(delayMs, run),
};

/** System clock. Its timers do not keep the process running. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
