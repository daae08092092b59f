/** How long the turns of the event loop take. */
export interface EventLoopWatch {
  /** The longest turn since the last call, in milliseconds: so long did everything else wait. */
  takeLongestMs(): number;
  stop(): void;
}

/**
 * Measures every turn of the event loop and never wakes it. An immediate without a reference runs once in each turn,
 * after its callbacks, and keeps no turn from waiting; what the loop waited is subtracted. A timer that samples instead
 * (`monitorEventLoopDelay`) wakes an idle process a hundred times a second.
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
      const taken = longestMs;
      longestMs = 0;
      return taken;
    },
    stop: () => clearImmediate(next),
  };
}
