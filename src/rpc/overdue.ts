import type { Clock } from '../lib/clock.ts';

/**
 * Tells when something that began has not ended in time. Made for what begins and ends thousands of times a second: a timer
 * is set for the first beginning, and is not cancelled by the end but finds out when it fires.
 */
export class Overdue {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #run: () => void;
  #sinceMs: number | null = null;
  #cancel: (() => void) | null = null;

  /** Calls `run` when something has gone on for `limitMs`. */
  constructor(clock: Clock, limitMs: number, run: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#run = run;
  }

  /** It begins, unless it has begun already. */
  begin(): void {
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#clock.now();
    this.#cancel ??= this.#clock.after(this.#limitMs, () => this.#look());
  }

  end(): void {
    this.#sinceMs = null;
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#sinceMs = null;
    this.#cancel?.();
  }

  #look(): void {
    this.#cancel = null;
    if (this.#sinceMs === null) return;
    const leftMs = this.#sinceMs + this.#limitMs - this.#clock.now();
    if (leftMs > 0) this.#cancel = this.#clock.after(leftMs, () => this.#look());
    else this.#run();
  }
}
