/** Measurement of event loop turns. */
export interface EventLoopWatch {
  /** Returns the longest turn since the last call, in milliseconds. All other work waited that long. */
  takeLongestMs(): number;
  stop(): void;
}

/**
 * Measures each turn of the event loop without waking it. An unreferenced immediate runs once per turn, after its
 * callbacks, and never shortens a wait; idle time is subtracted. A sampling timer (`monitorEventLoopDelay`) would wake
 * an idle process continually.
 */
export function measureEventLoop(): EventLoopWatch {
  const { nodeTiming } = performance;
  let endedAt = performance.now();
  let waitedMs = nodeTiming.idleTime;
  let longestMs = 0;
  const turnEnded = () => {
    const now = performance.now();
    const idleMs = nodeTiming.idleTime;
    longestMs = Math.max(longestMs, now - endedAt - (idleMs - waitedMs));
    endedAt = now;
    waitedMs = idleMs;
    next = setImmediate(turnEnded).unref();
  };
  let next = setImmediate(turnEnded).unref();
  return {
    takeLongestMs() {
      const longest = longestMs;
      longestMs = 0;
      return longest;
    },
    stop: () => clearImmediate(next),
  };
}
