import type { Timing } from './context.ts';

/**
 * Detects that something has not ended in time. Suits events that begin and end thousands of times a second. The first
 * beginning sets a timer; an end does not cancel it. The timer checks the state when it fires.
 */
export class DurationLimit {
  readonly #timing: Timing;
  readonly #limitMs: number;
  readonly #run: () => void;
  #sinceMs: number | null = null;
  #cancel: (() => void) | null = null;

  /** Calls `run` when something has lasted `limitMs`. */
  constructor(timing: Timing, limitMs: number, run: () => void) {
    this.#timing = timing;
    this.#limitMs = limitMs;
    this.#run = run;
  }

  /** Marks the beginning, unless it is marked already. */
  begin(): void {
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#timing.elapsed();
    this.#cancel ??= this.#timing.after(this.#limitMs, () => this.#look());
  }

  end(): void {
    this.#sinceMs = null;
  }

  /** Stops permanently, without calling `run`. */
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
