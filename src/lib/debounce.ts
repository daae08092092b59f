import type { Clock } from './clock.ts';

export interface DebounceOptions {
  readonly clock: Clock;
  /** Quiet period before a flush, in milliseconds. */
  readonly quietMs: number;
  /** Maximum delay of the first change, in milliseconds. */
  readonly maxMs: number;
}

export interface Debounce {
  /** Records a change that may wait for others. */
  touch(): void;
  /** Records a change that waits at most `delayMs`, regardless of later changes. */
  hurry(delayMs: number): void;
  cancel(): void;
}

/** Calls `flush` once changes have been quiet for `quietMs`, but never later than `maxMs` after the first one. */
export function debounce(flush: () => void, { clock, quietMs, maxMs }: DebounceOptions): Debounce {
  let latestAt = Number.POSITIVE_INFINITY;
  let quietUntil = Number.POSITIVE_INFINITY;
  let cancelTimer: () => void = () => {};

  const reset = () => {
    latestAt = Number.POSITIVE_INFINITY;
    quietUntil = Number.POSITIVE_INFINITY;
    cancelTimer();
  };
  const arm = () => {
    cancelTimer();
    cancelTimer = clock.after(Math.max(0, Math.min(latestAt, quietUntil) - clock.now()), () => {
      reset();
      flush();
    });
  };
  return {
    touch() {
      quietUntil = clock.now() + quietMs;
      latestAt = Math.min(latestAt, clock.now() + maxMs);
      arm();
    },
    hurry(delayMs) {
      latestAt = Math.min(latestAt, clock.now() + delayMs);
      arm();
    },
    cancel: reset,
  };
}
