import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { type Access, parseAccess } from './access.ts';

/** Reads an access file. Rejects with CONFIG_INVALID that names the file and what is wrong, without any of its tokens. */
export async function loadAccessFile(path: string, log: Logger): Promise<Access> {
  const seen = await see(path);
  if (seen.error !== null) throw new MeshError('CONFIG_INVALID', `${path}: ${seen.error}`);
  warnOfReaders(seen, { path, log });
  return seen.access;
}

export interface AccessWatchOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Told of each change that can be used. */
  readonly apply: (access: Access) => void;
  /** Told whether the file is in use as it is now. */
  readonly isGood: (good: boolean) => void;
}

/** How often the file is read: mounted secrets change by links, which file events do not tell reliably. */
export const accessPollMs = 2_000;

/** Applies each change of the file. One that is wrong, damaged or missing changes nothing, and is said once in the log. */
export function watchAccessFile(path: string, { clock, log, signal, apply, isGood }: AccessWatchOptions): void {
  let last: Seen | null = null;
  let cancel = () => {};

  const look = async () => {
    const seen = await see(path);
    if (signal.aborted) return;
    if (last === null || seen.text !== last.text || seen.error !== last.error) take(seen, last);
    last = seen;
    cancel = clock.after(accessPollMs, run);
  };
  const take = (seen: Seen, before: Seen | null) => {
    isGood(seen.error === null);
    if (seen.error !== null) {
      log.warn({ path, error: seen.error }, 'the access file was not usable; the last good one stays in use');
      return;
    }
    apply(seen.access);
    if (before === null) return; // it was read at the start
    warnOfReaders(seen, { path, log });
    log.info({ path, identities: seen.access.identities.length }, 'the access file was reloaded');
  };
  // `look` handles its errors itself; should it not, that is a bug and must not pass unseen
  const run = () => void look().catch((err: unknown) => log.error({ err }, 'access file watch ended'));
  signal.addEventListener('abort', () => cancel(), { once: true });
  cancel = clock.after(accessPollMs, run);
}

/** What was found at one time. */
type Seen =
  | { readonly text: string; readonly error: null; readonly access: Access; readonly mode: number }
  | { readonly text: string | null; readonly error: string };

async function see(path: string): Promise<Seen> {
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
  { access, mode }: Seen & { error: null },
  { path, log }: { readonly path: string; readonly log: Logger },
): void {
  if (!access.hasPlainTokens || (mode & 0o004) === 0) return;
  log.warn(
    { path, cure: `chmod 600 ${path}, or write sha256: hashes` },
    'tokens in the access file can be read by anybody',
  );
}
