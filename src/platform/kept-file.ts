import type { Clock } from '../lib/clock.ts';
import { debounce } from '../lib/debounce.ts';
import type { Logger } from '../lib/logger.ts';

const maxWaitMs = 10_000;
const retryMs = 30_000;
/** A big file is written less often: this many times as long as writing it took, it is left alone. */
const restFactor = 300;
const longestRestMs = 300_000;
/** How often a disk that stays full is logged. */
const logEveryMs = 300_000;

/** Keeps a file up to date with what is in memory: late, never while anything waits for it. */
export interface KeptFile {
  /** What is in memory changed; it is written once it has been quiet for a while. */
  touch(): void;
  status(): { readonly savedAtMs: number | null; readonly problem: string | null };
  /** Writes what is due and stops. */
  close(): Promise<void>;
}

export interface KeptFileOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** For the log, beside the error. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** What is logged when it could not be written; it is tried again. */
  readonly notWritten: string;
  readonly save: (savedAtMs: number) => Promise<void>;
  /** How long it must have been quiet before it is written; 2,000 if left out. */
  readonly quietMs?: number;
}

export function keepFile(options: KeptFileOptions): KeptFile {
  const { clock, log, facts, notWritten, save, quietMs = 2_000 } = options;
  let due = false;
  let savedAtMs: number | null = null;
  let problem: string | null = null;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;
  let restUntilMs = 0;

  const timer = debounce(() => write(), { clock, quietMs, maxMs: maxWaitMs });

  /** One write at a time; a change meanwhile makes `due` true again and is written after it. */
  function write(): void {
    writing = writing.then(saveDue);
  }

  async function saveDue(): Promise<void> {
    if (!due) return;
    due = false;
    const startedAtMs = clock.now();
    try {
      await save(startedAtMs);
      savedAtMs = startedAtMs;
      problem = null;
      const endedAtMs = clock.now();
      restUntilMs = endedAtMs + Math.min(longestRestMs, restFactor * (endedAtMs - startedAtMs));
    } catch (cause) {
      due = true;
      failed(cause);
      if (!closed) timer.hurry(retryMs);
    }
  }

  function failed(cause: unknown): void {
    problem = `the snapshot could not be written: ${cause instanceof Error ? cause.message : String(cause)}`;
    if (clock.now() - loggedAtMs < logEveryMs) return;
    loggedAtMs = clock.now();
    log.warn({ ...facts, err: cause }, notWritten);
  }

  return {
    touch() {
      if (closed) return;
      due = true;
      const restMs = restUntilMs - clock.now();
      if (restMs > 0) timer.hurry(restMs);
      else timer.touch();
    },
    status: () => ({ savedAtMs, problem }),
    async close() {
      closed = true;
      timer.cancel();
      write();
      await writing;
    },
  };
}
