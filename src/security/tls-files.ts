import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';

/** Where a TLS listener's certificates are. PEM files. */
export interface TlsFiles {
  /** The server's certificate first, then those between it and its root. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Those who may sign certificates of clients; null: clients are not asked for one. */
  readonly clientCaFile: string | null;
}

/** What the files hold. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
}

/** Reads the files and checks that they can be used together. Rejects with CONFIG_INVALID that names the file and why. */
export async function loadTlsFiles(files: TlsFiles): Promise<TlsTexts> {
  const texts = await readTexts(files);
  check(texts, files);
  return texts;
}

export interface TlsWatchOptions {
  /** What is in use now. */
  readonly current: TlsTexts;
  /** Puts others in use. What it throws is said in the log, and the last good ones stay. */
  readonly apply: (texts: TlsTexts) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** How often the files are read: mounted secrets change by links, which file events do not tell reliably. */
export const tlsPollMs = 2_000;

/**
 * Applies each change of the files. A certificate without its key (one was written, the other is not yet), damaged or
 * missing files change nothing but are said once in the log; they are looked at again with the next change.
 */
export function watchTlsFiles(files: TlsFiles, { current, apply, clock, log, signal }: TlsWatchOptions): void {
  let last: Seen = { texts: current, error: '' };
  let cancel = () => {};

  const look = async () => {
    const seen = await see(files);
    if (signal.aborted) return;
    if (!isSame(seen, last)) {
      last = seen;
      take(seen, { files, apply, clock, log });
    }
    cancel = clock.after(tlsPollMs, run);
  };
  // `look` handles its errors itself; should it not, that is a bug and must not pass unseen
  const run = () => void look().catch((err: unknown) => log.error({ err }, 'certificate watch ended'));
  signal.addEventListener('abort', () => cancel(), { once: true });
  cancel = clock.after(tlsPollMs, run);
}

/** What was found at one time: the texts, or why there are none. */
interface Seen {
  readonly texts: TlsTexts | null;
  readonly error: string;
}

async function see(files: TlsFiles): Promise<Seen> {
  try {
    return { texts: await readTexts(files), error: '' };
  } catch (error) {
    return { texts: null, error: messageOf(error) };
  }
}

const isSame = (a: Seen, b: Seen): boolean =>
  a.error === b.error &&
  a.texts?.cert === b.texts?.cert &&
  a.texts?.key === b.texts?.key &&
  a.texts?.clientCa === b.texts?.clientCa;

type Taking = Pick<TlsWatchOptions, 'apply' | 'clock' | 'log'> & { readonly files: TlsFiles };

function take({ texts, error }: Seen, { files, apply, clock, log }: Taking): void {
  const reasons = { ...files, error };
  if (texts === null) {
    log.warn(reasons, 'certificate files were not readable; the last good ones stay in use');
    return;
  }
  try {
    check(texts, files);
    apply(texts);
  } catch (cause) {
    log.warn(
      { ...reasons, error: messageOf(cause) },
      'certificate files were not usable; the last good ones stay in use',
    );
    return;
  }
  const { subject, validTo } = new X509Certificate(texts.cert);
  log.info({ ...files, subject, validTo }, 'certificates were reloaded');
  if (Date.parse(validTo) < clock.now()) log.warn({ ...files, validTo }, 'the new certificate has expired already');
}

async function readTexts({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsTexts> {
  const [cert, key, clientCa] = await Promise.all([
    readPem(certFile),
    readPem(keyFile),
    clientCaFile === null ? null : readPem(clientCaFile),
  ]);
  return { cert, key, clientCa };
}

async function readPem(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw wrong(`${path} cannot be read (${messageOf(cause)})`, cause);
  });
}

function check({ cert, key, clientCa }: TlsTexts, files: TlsFiles): void {
  const leaf = certificatesIn(cert, files.certFile);
  if (clientCa !== null) certificatesIn(clientCa, files.clientCaFile ?? '');
  if (!leaf.checkPrivateKey(privateKeyIn(key, files.keyFile))) {
    throw wrong(`the key in ${files.keyFile} is not that of the first certificate in ${files.certFile}`);
  }
}

/** The first of the certificates; all of them are looked at. */
function certificatesIn(text: string, path: string): X509Certificate {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    const [first] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return first;
  } catch (cause) {
    throw wrong(`${path} holds a damaged certificate (${messageOf(cause)})`, cause);
  }
  throw wrong(`${path} holds no certificate in PEM`);
}

function privateKeyIn(text: string, path: string) {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw wrong(`${path} holds no private key in PEM, without a passphrase (${messageOf(cause)})`, cause);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const wrong = (message: string, cause?: unknown): MeshError => new MeshError('CONFIG_INVALID', message, { cause });
