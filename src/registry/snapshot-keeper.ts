import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { debounce } from '../lib/debounce.ts';
import type { Logger } from '../lib/logger.ts';
import type { ShardContents } from '../platform/adapter.ts';
import { readSnapshot, type Snapshot, writeSnapshot } from './snapshot-file.ts';

const quietMs = 2_000;
const maxWaitMs = 10_000;
const retryMs = 30_000;
/** How often a disk that stays full is logged. */
const logEveryMs = 300_000;

/** Keeps one shard's snapshot on disk up to date: late, never while anything waits for it. */
export interface SnapshotKeeper {
  /** The contents changed; they are written once they have been quiet for a while. */
  touch(): void;
  /** What an earlier run left; null when there is nothing usable. Never rejects. */
  load(): Promise<Snapshot | null>;
  status(): { readonly savedAtMs: number | null; readonly problem: string | null };
  /** Writes what is due and stops. */
  close(): Promise<void>;
}

export interface SnapshotKeeperOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: string;
  readonly shard: string;
  readonly contents: () => ShardContents;
}

export function createSnapshotKeeper({
  clock,
  log,
  directory,
  shard,
  contents,
}: SnapshotKeeperOptions): SnapshotKeeper {
  const path = join(directory, `${encodeURIComponent(shard)}.json`);
  let due = false;
  let savedAtMs: number | null = null;
  let problem: string | null = null;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;

  const timer = debounce(() => write(), { clock, quietMs, maxMs: maxWaitMs });

  /** One write at a time; a change meanwhile makes `due` true again and is written after it. */
  function write(): void {
    writing = writing.then(save);
  }

  async function save(): Promise<void> {
    if (!due) return;
    due = false;
    const startedAtMs = clock.now();
    try {
      await writeSnapshot(path, { shard, savedAtMs: startedAtMs, contents: contents() });
      savedAtMs = startedAtMs;
      problem = null;
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
    log.warn({ shard, path, err: cause }, 'shard snapshot not written');
  }

  return {
    touch() {
      if (closed) return;
      due = true;
      timer.touch();
    },
    async load() {
      try {
        const snapshot = await readSnapshot(path);
        savedAtMs ??= snapshot?.savedAtMs ?? null;
        return snapshot;
      } catch (cause) {
        problem = cause instanceof Error ? cause.message : String(cause);
        log.warn({ shard, path, err: cause }, 'shard snapshot ignored');
        return null;
      }
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
