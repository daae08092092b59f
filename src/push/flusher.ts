import type { Compiler, FlushResult, WorldChange } from '../compile/contract.ts';
import type { Urgency } from '../registry/contract.ts';

export interface FlusherOptions {
  readonly compiler: Compiler;
  /** Takes the waiting changes: all of them for `configuration`. */
  readonly take: (urgency: Urgency) => readonly WorldChange[];
  /** Publishes a finished flush. Returns whether another must follow at once, because a new layer is not compiled yet. */
  readonly publish: (result: FlushResult, workMs: number) => boolean | Promise<boolean>;
  /** Returns the revision of the next flush's changes. */
  readonly revision: () => number;
  /** Resolves after other work has run. */
  readonly pause: () => Promise<void>;
  /** Returns monotonic time in milliseconds. */
  readonly elapsed: () => number;
  /** Limit of one slice, in milliseconds. */
  readonly sliceMs?: number;
}

/**
 * Runs flushes one after another, each in slices, so that a compile does not block the event loop. Changes during a flush
 * wait for the next one. A flush publishes nothing before its end.
 */
export class Flusher {
  readonly #options: Required<FlusherOptions>;
  #running: Promise<void> | null = null;
  #again: Urgency | null = null;
  #count = 0;
  /** Changes that were taken and not applied, because an earlier one failed. */
  #waiting: readonly WorldChange[] = [];

  constructor(options: FlusherOptions) {
    this.#options = { sliceMs: 5, ...options };
  }

  /** Number of the flush that will include changes from now on. */
  get next(): number {
    return this.#count + 1;
  }

  /** Number of flushes begun. */
  get begun(): number {
    return this.#count;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /**
   * Resolves when all changes before the call are published; with `endpoints`, those of endpoints. Rejects only for a bug; the
   * next run then publishes the rest.
   */
  run(urgency: Urgency = 'configuration'): Promise<void> {
    if (this.#again !== 'configuration') this.#again = urgency;
    this.#running ??= this.#start();
    return this.#running;
  }

  #start(): Promise<void> {
    const running = this.#loop().finally(() => {
      if (this.#running === running) this.#running = null; // it failed before `run` stored it
    });
    return running;
  }

  async #loop(): Promise<void> {
    try {
      while (this.#again !== null) {
        const urgency = this.#again;
        this.#again = null;
        this.#count++;
        const { compiler, revision, publish } = this.#options;
        this.#apply(urgency);
        const { result, workMs } = await this.#inSlices(compiler.flush(revision()));
        const again = publish(result, workMs);
        if (typeof again === 'boolean' ? again : await again) this.#again ??= 'endpoints';
      }
    } finally {
      // Not later: a call of `run` before the promise settles must start another one.
      this.#running = null;
    }
  }

  /** Applies changes one at a time, so that one for which the compiler throws does not affect later ones. */
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
