import type { Clock } from '../lib/clock.ts';
import { KubernetesError, unreachable } from './errors.ts';

/** Signal that aborts with a caller's or at a time that can be moved. */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #late = new AbortController();
  #cancel = (): void => {};
  #isIdle = false;

  constructor(clock: Clock, outer: AbortSignal | undefined) {
    this.#clock = clock;
    this.signal = outer === undefined ? this.#late.signal : AbortSignal.any([outer, this.#late.signal]);
  }

  /** Replaces the time. Without a message, reaching it is no failure. */
  set(ms: number, message: string | null): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () => {
      this.#isIdle = message === null;
      this.#late.abort(new KubernetesError(message ?? 'nothing was received', { status: 0 }));
    });
  }

  /** Ends what may still be under way. */
  end(): void {
    this.#cancel();
    this.#late.abort(new KubernetesError('the request was ended', { status: 0 }));
  }

  isIdle(): boolean {
    return this.#isIdle;
  }

  /** Returns the reason of the abort, if there was one: what the connection reports then is only a consequence. */
  explain(cause: unknown): KubernetesError {
    return unreachable(this.signal.aborted ? this.signal.reason : cause);
  }
}
