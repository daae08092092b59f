import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BackgroundWriter, createBackgroundWriter } from '../../disk/background-writer.ts';
import { LineFileError, readLineFile, writeLineFile } from '../../disk/line-file.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { isMissing } from '../../lib/missing-file.ts';
import type { StoredObject } from '../../rules/store.ts';

const format = 1;

export interface RulesSnapshot {
  /** Milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
  /** The store's counter. */
  readonly resourceVersion: string;
  readonly objects: readonly StoredObject[];
}

/** Path of the snapshot of a database: in the same directory. */
export const rulesSnapshotPath = (databasePath: string): string => join(dirname(databasePath), 'rules.snapshot.json');

/**
 * Reads the last good rules without the database; null when there is no snapshot. Throws SNAPSHOT_DAMAGED when the file
 * is incomplete or has another format.
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
    objects: entries as readonly StoredObject[], // `keepRulesSnapshot` wrote them, and the checksum matches
  };
}

export interface KeepSnapshotOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly databasePath: string;
  /** Returns the contents to write. They must be immutable, as writing spans several turns of the event loop. */
  readonly contents: () => Omit<RulesSnapshot, 'savedAtMs'>;
}

/** Writes the snapshot after changes. */
export function keepRulesSnapshot({ clock, log, databasePath, contents }: KeepSnapshotOptions): BackgroundWriter {
  const path = rulesSnapshotPath(databasePath);
  return createBackgroundWriter({
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
 * Renames the snapshot of an earlier database when a new database begins. The next write would replace the snapshot,
 * which may be the last copy of those rules.
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
