import { type BackgroundWriter, createBackgroundWriter } from '../../disk/background-writer.ts';
import { readLineFile, writeLineFile } from '../../disk/line-file.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ClientKind } from '../../model/proxy.ts';
import type { ResourcePart } from '../../xds/isolation/partition.ts';
import type { Quarantine, QuarantinedPart, RejectingProxy } from './quarantine.ts';

export interface QuarantineFileOptions {
  readonly path: string;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Saves the quarantine to disk, so that it outlives the process. */
export function saveQuarantine({ path, quarantine, clock, log }: QuarantineFileOptions): BackgroundWriter {
  const file = createBackgroundWriter({
    clock,
    log,
    facts: { path },
    notWritten: 'rejected parts not written',
    quietMs,
    save: (savedAtMs) =>
      writeLineFile(path, {
        header: { format, savedAtMs },
        entries: [...quarantine.parts()].map(toJson),
      }),
  });
  quarantine.onChange(file.touch);
  return file;
}

/**
 * Reads the quarantine of an earlier run into `quarantine`. A damaged file is logged and ignored: proxies reject
 * invalid parts again.
 */
export async function restoreQuarantine({
  path,
  quarantine,
  log,
}: Omit<QuarantineFileOptions, 'clock'>): Promise<void> {
  try {
    const file = await readLineFile(path);
    if (file === null) return;
    if (file.header.format !== format)
      throw new Error(`its format is ${file.header.format}, this release reads ${format}`);
    // The file's checksum makes the cast sound.
    quarantine.restore(file.entries.map((entry) => fromJson(entry as PartJson)));
  } catch (cause) {
    log.warn({ path, err: cause }, 'rejected parts of an earlier run ignored');
  }
}

const format = 2;
/** Delay of a write. It is short, because the last good version must survive a crash soon after a rejection. */
const quietMs = 20;

/** Form in the file: bytes as base64, maps and sets as lists. Its keys stay as earlier releases wrote them. */
type PartJson = Omit<QuarantinedPart, 'lastGood' | 'rejectedBy' | 'acceptedBy' | 'toCorrect'> & {
  readonly lastGood: (Omit<ResourcePart, 'bytes'> & { readonly bytes: string }) | null;
  readonly rejectedBy: readonly (readonly [string, RejectingProxy])[];
  readonly takenBy: readonly ClientKind[];
  readonly blamed: readonly string[];
};

const toJson = ({ lastGood, rejectedBy, acceptedBy, toCorrect, ...rest }: QuarantinedPart): PartJson => ({
  ...rest,
  lastGood: lastGood === null ? null : { ...lastGood, bytes: Buffer.from(lastGood.bytes).toString('base64') },
  rejectedBy: [...rejectedBy],
  takenBy: [...acceptedBy],
  blamed: toCorrect,
});

const fromJson = ({ lastGood, rejectedBy, takenBy, blamed, ...rest }: PartJson): QuarantinedPart => ({
  ...rest,
  violation: rest.violation ?? null, // absent in files of earlier releases
  lastGood: lastGood === null ? null : { ...lastGood, bytes: Buffer.from(lastGood.bytes, 'base64') },
  rejectedBy: new Map(rejectedBy),
  acceptedBy: new Set(takenBy),
  toCorrect: blamed,
});
