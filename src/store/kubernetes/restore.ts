import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { StoredObject } from '../../rules/store.ts';
import { readRulesSnapshot, rulesSnapshotPath } from '../sqlite/snapshot.ts';

export interface RestoreOptions {
  readonly dataDir: string;
  readonly syncTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RestoreParts {
  readonly signal: AbortSignal;
  /** Reports whether the objects are still unknown when the time is over. */
  readonly isNeeded: () => boolean;
  readonly restore: (objects: readonly StoredObject[]) => void;
}

/** Restores the objects of an earlier run if they have not been listed after `syncTimeoutMs`. */
export function restoreSnapshot(
  { dataDir, syncTimeoutMs, clock, log }: RestoreOptions,
  { signal, isNeeded, restore }: RestoreParts,
): { isDone(): boolean } {
  const path = rulesSnapshotPath(join(dataDir, 'rules.db'));
  let isDone = false;

  const run = async () => {
    if (signal.aborted || !isNeeded()) return;
    const snapshot = await readRulesSnapshot(path);
    if (signal.aborted || !isNeeded()) return;
    if (snapshot === null) {
      log.warn({ path }, 'rules not listed in time, and there are none of an earlier run');
      return;
    }
    restore(snapshot.objects);
    isDone = true;
    const { savedAtMs, objects } = snapshot;
    log.warn(
      { path, savedAtMs, objects: objects.length },
      'rules not listed in time, those of an earlier run are served',
    );
  };
  const cancel = clock.after(syncTimeoutMs, () => {
    run().catch((error: unknown) => log.warn({ path, err: error }, 'rules of an earlier run not usable'));
  });
  signal.addEventListener('abort', cancel, { once: true });
  return { isDone: () => isDone };
}
