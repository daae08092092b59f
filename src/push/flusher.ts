import type { Compiler, FlushResult, WorldChange } from '../compile/contract.ts';
import type { Urgency } from '../registry/contract.ts';

export interface FlusherOptions {
  readonly compiler: Compiler;
  /** Takes the changes that wait: all of them for `configuration`. */
  readonly take: (urgency: Urgency) => readonly WorldChange[];
  /** Shows a finished flush. Answers whether another one must follow at once (a layer is new and not compiled yet). */
  readonly publish: (result: FlushResult, workMs: number) => boolean | Promise<boolean>;
  /** The revision that the changes of the next flush will have. */
  readonly revision: () => number;
  /** Lets other work run. */
  readonly pause: () => Promise<void>;
  /** A monotonic time in milliseconds, for slicing. */
  readonly elapsed: () => number;
  /** The longest that one slice of work may take. */
  readonly sliceMs?: number;
}

/**
 * Runs flushes one after another, each in slices, so that the event loop never stands still for a compile. Changes that
 * come meanwhile wait for the next one; nothing of a flush shows before its end.
 */
export class Flusher {
  readonly #options: Required<FlusherOptions>;
  #running: Promise<void> | null = null;
  #again: Urgency | null = null;
  #count = 0;
  /** Taken, and not yet applied: only a failure leaves any. */
  #waiting: readonly WorldChange[] = [];

  constructor(options: FlusherOptions) {
    this.#options = { sliceMs: 5, ...options };
  }

  /** The number of the flush that takes in what changes from now on. */
  get next(): number {
    return this.#count + 1;
  }

  /** How many flushes have begun. */
  get begun(): number {
    return this.#count;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /**
   * Resolves when everything that had changed before the call (for `endpoints`: every set of endpoints) is shown. Rejects only for a bug; what was not shown is then
   * shown by the next run.
   */
  run(urgency: Urgency = 'configuration'): Promise<void> {
    if (this.#again !== 'configuration') this.#again = urgency;
    this.#running ??= this.#start();
    return this.#running;
  }

  #start(): Promise<void> {
    const running = this.#loop().finally(() => {
      if (this.#running === running) this.#running = null; // it failed before it was known to run
    });
    return running;
  }

  async #loop(): Promise<void> {
    try {
      while (this.#again !== null) {
        const urgency = this.#again;
        this.#again = null;
        this.#count++;
        const { compiler, revision, publish: show } = this.#options;
        this.#apply(urgency);
        const { result, workMs } = await this.#inSlices(compiler.flush(revision()));
        const again = show(result, workMs);
        if (typeof again === 'boolean' ? again : await again) this.#again ??= 'endpoints';
      }
    } finally {
      // At once: who asks for a run before the promise has settled must get another one.
      this.#running = null;
    }
  }

  /** One at a time: what a change does that the compiler cannot bear, is not done to those behind it. */
  #apply(urgency: Urgency): void {
    const { compiler, take } = this.#options;
    const changes = this.#waiting.concat(take(urgency));
    for (const [index, change] of changes.entries()) {
      try {
        compiler.apply([change]);
      } catch (error) {
        this.#waiting = changes.slice(index + 1);
        throw error;
      }
    }
    this.#waiting = [];
  }

  async #inSlices(
    steps: Generator<undefined, FlushResult, undefined>,
  ): Promise<{ result: FlushResult; workMs: number }> {
    const { elapsed, pause, sliceMs } = this.#options;
    let workMs = 0;
    let sliceBegan = elapsed();
    for (;;) {
      const step = steps.next();
      const spent = elapsed() - sliceBegan;
      if (step.done === true) return { result: step.value, workMs: workMs + spent };
      if (spent < sliceMs) continue;
      workMs += spent;
      await pause();
      sliceBegan = elapsed();
    }
  }
}
