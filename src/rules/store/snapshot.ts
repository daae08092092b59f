import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { isMissing } from '../../lib/missing-file.ts';
import { type KeptFile, keepFile } from '../../platform/kept-file.ts';
import { LineFileError, readLineFile, writeLineFile } from '../../platform/line-file.ts';
import type { StoredObject } from './store.ts';

const format = 1;

export interface RulesSnapshot {
  /** Milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
  /** The store's counter. */
  readonly resourceVersion: string;
  readonly objects: readonly StoredObject[];
}

/** Where the snapshot of a database stands: beside it, in the data directory. */
export const rulesSnapshotPath = (databasePath: string): string => join(dirname(databasePath), 'rules.snapshot.json');

/**
 * The last good rules, read without the database; null where there is no snapshot. Throws SNAPSHOT_DAMAGED when it is
 * not whole, or of another format.
 */
export async function readRulesSnapshot(path: string): Promise<RulesSnapshot | null> {
  const file = await readLineFile(path).catch((cause: unknown) => {
    throw cause instanceof LineFileError ? damaged(path, cause.message, cause) : cause;
  });
  if (file === null) return null;
  const { header, entries } = file;
  if (header.format !== format) throw damaged(path, `its format is ${header.format}, this release reads ${format}`);
  return {
    savedAtMs: Number(header.savedAtMs),
    resourceVersion: String(header.resourceVersion),
    objects: entries as readonly StoredObject[], // the checksum has vouched for what `keepRulesSnapshot` wrote
  };
}

export interface KeepSnapshotOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly databasePath: string;
  /** What is written; immutable, as it is written in several turns. */
  readonly contents: () => Omit<RulesSnapshot, 'savedAtMs'>;
}

/** Keeps the snapshot up to date. */
export function keepRulesSnapshot({ clock, log, databasePath, contents }: KeepSnapshotOptions): KeptFile {
  const path = rulesSnapshotPath(databasePath);
  return keepFile({
    clock,
    log,
    facts: { path },
    notWritten: 'snapshot of the rules not written',
    async save(savedAtMs) {
      const { objects, resourceVersion } = contents();
      await writeLineFile(path, { header: { format, savedAtMs, resourceVersion }, entries: objects });
    },
  });
}

/**
 * For a database that begins anew: an earlier one's snapshot is moved aside, since the next write would replace it and
 * it may be all that is left of those rules.
 */
export async function setSnapshotAside({ databasePath, log }: Pick<KeepSnapshotOptions, 'databasePath' | 'log'>) {
  const path = rulesSnapshotPath(databasePath);
  const aside = `${path}.old`;
  try {
    await rename(path, aside);
    log.warn({ path, aside }, 'snapshot of earlier rules moved aside, the rules database is new');
  } catch (error) {
    if (isMissing(error)) return;
    log.warn({ path, err: error }, 'snapshot of earlier rules not moved aside');
  }
}

const damaged = (path: string, why: string, cause?: unknown): MeshError =>
  new MeshError('SNAPSHOT_DAMAGED', `the snapshot of the rules ${path} cannot be used: ${why}`, {
    cause,
    facts: { path },
  });
