import type { Timing } from './surroundings.ts';

/**
 * Tells when something that began has not ended in time. Made for what begins and ends thousands of times a second: a timer
 * is set for the first beginning, and is not cancelled by the end but finds out when it fires.
 */
export class Overdue {
  readonly #timing: Timing;
  readonly #limitMs: number;
  readonly #run: () => void;
  #sinceMs: number | null = null;
  #cancel: (() => void) | null = null;

  /** Calls `run` when something has gone on for `limitMs`. */
  constructor(timing: Timing, limitMs: number, run: () => void) {
    this.#timing = timing;
    this.#limitMs = limitMs;
    this.#run = run;
  }

  /** It begins, unless it has begun already. */
  begin(): void {
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#timing.elapsed();
    this.#cancel ??= this.#timing.after(this.#limitMs, () => this.#look());
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
    const leftMs = this.#sinceMs + this.#limitMs - this.#timing.elapsed();
    if (leftMs > 0) this.#cancel = this.#timing.after(leftMs, () => this.#look());
    else this.#run();
  }
}
