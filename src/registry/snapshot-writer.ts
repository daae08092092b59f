import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShardContents } from '../adapter-contract/adapter.ts';
import { type BackgroundWriter, createBackgroundWriter } from '../disk/background-writer.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { readSnapshot, type Snapshot, writeSnapshot } from './snapshot-file.ts';

/** Writes the snapshot of one shard in the background; nothing waits for it. */
export interface SnapshotWriter extends BackgroundWriter {
  /** Reads the snapshot of an earlier run; null if none is usable. Never rejects. */
  load(): Promise<Snapshot | null>;
  /** Removes the file; for after `close`. */
  remove(): Promise<void>;
}

export interface SnapshotWriterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: string;
  readonly shard: string;
  readonly contents: () => ShardContents;
}

export function createSnapshotWriter({
  clock,
  log,
  directory,
  shard,
  contents,
}: SnapshotWriterOptions): SnapshotWriter {
  const path = join(directory, `${encodeURIComponent(shard)}.json`);
  const file = createBackgroundWriter({
    clock,
    log,
    facts: { shard, path },
    notWritten: 'shard snapshot not written',
    save: (savedAtMs) => writeSnapshot(path, { shard, savedAtMs, contents: contents() }),
  });
  let loadedSavedAtMs: number | null = null;
  let loadProblem: string | null = null;

  return {
    ...file,
    async load() {
      try {
        const snapshot = await readSnapshot(path);
        loadedSavedAtMs = snapshot?.savedAtMs ?? null;
        return snapshot;
      } catch (cause) {
        loadProblem = cause instanceof Error ? cause.message : String(cause);
        log.warn({ shard, path, err: cause }, 'shard snapshot ignored');
        return null;
      }
    },
    remove: () => rm(path, { force: true }),
    status() {
      const { savedAtMs, problem } = file.status();
      return savedAtMs === null
        ? { savedAtMs: loadedSavedAtMs, problem: problem ?? loadProblem }
        : { savedAtMs, problem };
    },
  };
}
