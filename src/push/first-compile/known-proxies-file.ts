import { type BackgroundWriter, createBackgroundWriter } from '../../disk/background-writer.ts';
import { readLineFile, writeLineFile } from '../../disk/line-file.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { KnownProxies, KnownProxy } from './known-proxies.ts';

export interface KnownProxiesFileOptions {
  readonly path: string;
  readonly known: KnownProxies;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Saves the proxies whose scopes the next start compiles first. */
export function saveKnownProxies({ path, known, clock, log }: KnownProxiesFileOptions): BackgroundWriter {
  const file = createBackgroundWriter({
    clock,
    log,
    facts: { path },
    notWritten: 'known proxies not written',
    save: (savedAtMs) => writeLineFile(path, { header: { format, savedAtMs }, entries: known.list() }),
  });
  known.onChange(file.touch);
  return file;
}

/**
 * Reads the proxies of an earlier run into `known`. A damaged file is logged and ignored: the first clients then wait
 * for their compile.
 */
export async function restoreKnownProxies({ path, known, log }: Omit<KnownProxiesFileOptions, 'clock'>): Promise<void> {
  try {
    const file = await readLineFile(path);
    if (file === null) return;
    if (file.header.format !== format)
      throw new Error(`its format is ${file.header.format}, this release reads ${format}`);
    known.restore(file.entries as readonly KnownProxy[]); // the file's checksum makes the cast sound
  } catch (cause) {
    log.warn({ path, err: cause }, 'known proxies of an earlier run ignored');
  }
}

const format = 1;
