import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';

/** Paths of a TLS listener's PEM files. */
export interface TlsFiles {
  /** Server certificate, followed by its intermediates. */
  readonly certFile: string;
  readonly keyFile: string;
  /** CAs that sign client certificates; null if clients need no certificate. */
  readonly clientCaFile: string | null;
}

/** Contents of the files. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
}

/**
 * Reads the files and checks that they fit together. Rejects with CONFIG_INVALID that names the file and the reason.
 */
export async function loadTlsFiles(files: TlsFiles): Promise<TlsTexts> {
  const texts = await readTexts(files);
  check(texts, files);
  return texts;
}

export interface TlsWatchOptions {
  /** Contents in use. */
  readonly current: TlsTexts;
  /** Applies new contents. If it throws, the error is logged and the last good ones stay. */
  readonly apply: (texts: TlsTexts) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Polling interval. Mounted secrets change by symbolic links, which file events do not report reliably. */
export const tlsPollMs = 2_000;

/**
 * Applies each change of the files. Damaged or missing files, or a certificate without its key (only one is written
 * yet), change nothing. They are logged once and checked again at the next change.
 */
export function watchTlsFiles(files: TlsFiles, { current, apply, clock, log, signal }: TlsWatchOptions): void {
  let last: TlsReadResult = { texts: current, error: '' };
  let cancel = () => {};

  const poll = async () => {
    const reading = await read(files);
    if (signal.aborted) return;
    if (!isSame(reading, last)) {
      last = reading;
      reload(reading, { files, apply, clock, log });
    }
    cancel = clock.after(tlsPollMs, run);
  };
  // `poll` handles its own errors. An unexpected one is a bug and must be logged.
  const run = () => void poll().catch((err: unknown) => log.error({ err }, 'certificate watch ended'));
  signal.addEventListener('abort', () => cancel(), { once: true });
  cancel = clock.after(tlsPollMs, run);
}

/** Contents at one time, or the reason why they cannot be read. */
interface TlsReadResult {
  readonly texts: TlsTexts | null;
  readonly error: string;
}

async function read(files: TlsFiles): Promise<TlsReadResult> {
  try {
    return { texts: await readTexts(files), error: '' };
  } catch (error) {
    return { texts: null, error: messageOf(error) };
  }
}

const isSame = (a: TlsReadResult, b: TlsReadResult): boolean =>
  a.error === b.error &&
  a.texts?.cert === b.texts?.cert &&
  a.texts?.key === b.texts?.key &&
  a.texts?.clientCa === b.texts?.clientCa;

type ReloadOptions = Pick<TlsWatchOptions, 'apply' | 'clock' | 'log'> & { readonly files: TlsFiles };

function reload({ texts, error }: TlsReadResult, { files, apply, clock, log }: ReloadOptions): void {
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

/** Parses all certificates and returns the first. */
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
