import type { Clock } from '../lib/clock.ts';
import { debounce } from '../lib/debounce.ts';
import type { Logger } from '../lib/logger.ts';

const maxWaitMs = 10_000;
const retryMs = 30_000;
/** Pause after a write, as a multiple of its duration: big files are written less often. */
const restFactor = 300;
const longestRestMs = 300_000;
/** Minimum interval between log lines about failed writes. */
const logEveryMs = 300_000;

/** Persists in-memory state to a file in the background; nothing waits for it. */
export interface BackgroundWriter {
  /** Records a change. The file is written after a quiet period. */
  touch(): void;
  status(): { readonly savedAtMs: number | null; readonly problem: string | null };
  /** Writes pending changes and stops. */
  close(): Promise<void>;
}

export interface BackgroundWriterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Fields of log lines, besides the error. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Log message of a failed write, which is retried. */
  readonly notWritten: string;
  readonly save: (savedAtMs: number) => Promise<void>;
  /** Quiet period before a write in milliseconds; 2,000 by default. */
  readonly quietMs?: number;
}

export function createBackgroundWriter(options: BackgroundWriterOptions): BackgroundWriter {
  const { clock, log, facts, notWritten, save, quietMs = 2_000 } = options;
  let due = false;
  let savedAtMs: number | null = null;
  let problem: string | null = null;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;
  let restUntilMs = 0;

  const timer = debounce(() => write(), { clock, quietMs, maxMs: maxWaitMs });

  /** Queues a write, one at a time. A change during a write sets `due` again and causes another. */
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
