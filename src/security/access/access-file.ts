import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { type Access, parseAccess } from './access.ts';

/** Reads an access file. Rejects with CONFIG_INVALID that names the file and the mistake, without any token. */
export async function loadAccessFile(path: string, log: Logger): Promise<Access> {
  const reading = await read(path);
  if (reading.error !== null) throw new MeshError('CONFIG_INVALID', `${path}: ${reading.error}`);
  warnOfReaders(reading, { path, log });
  return reading.access;
}

export interface AccessWatchOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called with each valid new content. */
  readonly apply: (access: Access) => void;
  /** Called with true while the current file is in use, with false otherwise. */
  readonly isGood: (good: boolean) => void;
}

/** Polling interval. Mounted secrets change by symbolic links, which file events do not report reliably. */
export const accessPollMs = 2_000;

/** Applies each change of the file. An invalid, damaged or missing file changes nothing and is logged once. */
export function watchAccessFile(path: string, { clock, log, signal, apply, isGood }: AccessWatchOptions): void {
  let last: AccessReadResult | null = null;
  let cancel = () => {};

  const poll = async () => {
    const reading = await read(path);
    if (signal.aborted) return;
    if (last === null || reading.text !== last.text || reading.error !== last.error) reload(reading, last);
    last = reading;
    cancel = clock.after(accessPollMs, run);
  };
  const reload = (reading: AccessReadResult, before: AccessReadResult | null) => {
    isGood(reading.error === null);
    if (reading.error !== null) {
      log.warn({ path, error: reading.error }, 'the access file was not usable; the last good one stays in use');
      return;
    }
    apply(reading.access);
    if (before === null) return; // the start has read it
    warnOfReaders(reading, { path, log });
    log.info({ path, identities: reading.access.identities.length }, 'the access file was reloaded');
  };
  // `poll` handles its own errors. An unexpected one is a bug and must be logged.
  const run = () => void poll().catch((err: unknown) => log.error({ err }, 'access file watch ended'));
  signal.addEventListener('abort', () => cancel(), { once: true });
  cancel = clock.after(accessPollMs, run);
}

/** Result of one read. */
type AccessReadResult =
  | { readonly text: string; readonly error: null; readonly access: Access; readonly mode: number }
  | { readonly text: string | null; readonly error: string };

async function read(path: string): Promise<AccessReadResult> {
  let text: string;
  let mode: number;
  try {
    [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
  } catch (error) {
    return { text: null, error: `it cannot be read (${error instanceof Error ? error.message : error})` };
  }
  if ((mode & 0o002) !== 0)
    return { text, error: `anybody may write to it, and so become an admin: chmod o-w ${path}` };
  const parsed = parseAccess(text);
  return parsed.ok ? { text, error: null, access: parsed.value, mode } : { text, error: parsed.error };
}

function warnOfReaders(
  { access, mode }: AccessReadResult & { error: null },
  { path, log }: { readonly path: string; readonly log: Logger },
): void {
  if (!access.hasPlainTokens || (mode & 0o004) === 0) return;
  log.warn(
    { path, cure: `chmod 600 ${path}, or write sha256: hashes` },
    'tokens in the access file can be read by anybody',
  );
}
