import { type KeptFile, keepFile } from '../../disk/kept-file.ts';
import { readLineFile, writeLineFile } from '../../disk/line-file.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ClientKind } from '../../model/proxy.ts';
import type { ResourcePart } from '../../xds/isolation/partition.ts';
import type { Finding, Quarantine, Witness } from './quarantine.ts';

export interface QuarantineFileOptions {
  readonly path: string;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Keeps what is found out about rejected resources on disk, so that it outlives the process. */
export function keepQuarantine({ path, quarantine, clock, log }: QuarantineFileOptions): KeptFile {
  const file = keepFile({
    clock,
    log,
    facts: { path },
    notWritten: 'rejected parts not written',
    quietMs,
    save: (savedAtMs) =>
      writeLineFile(path, {
        header: { format, savedAtMs },
        entries: [...quarantine.findings()].map(toJson),
      }),
  });
  quarantine.onChange(file.touch);
  return file;
}

/** Reads what an earlier run left into `quarantine`. A damaged file is logged and ignored: proxies reject again what is bad. */
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
    quarantine.restore(file.entries.map((entry) => fromJson(entry as FindingJson))); // sound by the file's checksum
  } catch (cause) {
    log.warn({ path, err: cause }, 'rejected parts of an earlier run ignored');
  }
}

const format = 2;
/** A process that is killed right after a rejection must not take the last good version with it. */
const quietMs = 20;

/** As it stands in the file: bytes as base64, maps and sets as lists. */
type FindingJson = Omit<Finding, 'lastGood' | 'rejectedBy' | 'takenBy'> & {
  readonly lastGood: (Omit<ResourcePart, 'bytes'> & { readonly bytes: string }) | null;
  readonly rejectedBy: readonly (readonly [string, Witness])[];
  readonly takenBy: readonly ClientKind[];
};

const toJson = (finding: Finding): FindingJson => ({
  ...finding,
  lastGood:
    finding.lastGood === null
      ? null
      : { ...finding.lastGood, bytes: Buffer.from(finding.lastGood.bytes).toString('base64') },
  rejectedBy: [...finding.rejectedBy],
  takenBy: [...finding.takenBy],
});

const fromJson = (finding: FindingJson): Finding => ({
  ...finding,
  violation: finding.violation ?? null, // files of before do not have it
  lastGood:
    finding.lastGood === null ? null : { ...finding.lastGood, bytes: Buffer.from(finding.lastGood.bytes, 'base64') },
  rejectedBy: new Map(finding.rejectedBy),
  takenBy: new Set(finding.takenBy),
});
