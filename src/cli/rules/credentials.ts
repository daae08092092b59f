import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { usageError } from '../failure.ts';
import { type Flag, type FlagValues, flagText } from '../flags.ts';

/** Credentials of a command, and the CAs with which it verifies the server. */
export interface Credentials {
  readonly token: string | null;
  readonly tls: ClientTls;
}

/** PEM texts; null for the system's CAs or for no certificate. */
export interface ClientTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export const noCredentials: Credentials = { token: null, tls: { ca: null, cert: null, key: null } };

/** Credentials of a context. Paths are as written, relative to the contexts file. */
export interface ContextCredentials {
  readonly token: string | null;
  readonly tokenFile: string | null;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

export const credentialKeys = ['token', 'tokenFile', 'caFile', 'certFile', 'keyFile'] as const;

type CredentialKey = (typeof credentialKeys)[number];

/** Returns the flag of a key: `caFile` → `ca-file`. */
export const flagOf = (key: CredentialKey): string => key.replace('File', '-file');

const flag = (name: string, value: string, about: string): Flag => ({
  ...{ name, value, about: `${about} (BINNACLE_${name.toUpperCase().replace('-', '_')}, the context's)` },
  ...(value === 'FILE' ? {} : { complete: [] }),
});

export const credentialFlags: readonly Flag[] = [
  flag('token', 'TOKEN', 'a bearer token; others on this machine see it in the list of processes'),
  flag('token-file', 'FILE', 'a file with a bearer token'),
  flag('ca-file', 'FILE', 'the CAs of the server, for https'),
  flag('cert-file', 'FILE', 'a client certificate, for https'),
  flag('key-file', 'FILE', 'its key'),
];

interface Source {
  readonly values: FlagValues;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly context: ContextCredentials | null;
  /** Path of the file that the context was read from. */
  readonly contextsPath: string;
}

/**
 * Reads credentials. Flags override environment variables, which override the context. Rejects with CONFIG_INVALID that
 * names the file.
 */
export async function readCredentials(source: Source): Promise<Credentials> {
  const token = wordFrom(source, ['token', 'tokenFile']);
  const ca = wordFrom(source, ['caFile']);
  const cert = wordFrom(source, ['certFile']);
  const key = wordFrom(source, ['keyFile']);
  if ((cert === null) !== (key === null)) {
    throw usageError(
      `a client certificate needs its key: give ${cert === null ? '--cert-file' : '--key-file'} as well`,
    );
  }
  const texts = await Promise.all([token, ca, cert, key].map((word) => (word === null ? null : textFrom(word))));
  const [tokenText = null, caText = null, certText = null, keyText = null] = texts;
  return {
    token: token === null || tokenText === null ? null : checkToken(tokenText.trim(), token.name),
    tls: { ca: caText, cert: certText, key: keyText },
  };
}

/** Value, and its name in error messages. */
interface Word {
  readonly key: CredentialKey;
  readonly text: string;
  readonly name: string;
}

/** Returns the first source that has one of the keys. */
function wordFrom({ values, env, context, contextsPath }: Source, keys: readonly CredentialKey[]): Word | null {
  const places: readonly ((key: CredentialKey) => Word | null)[] = [
    (key) => wordOf(key, flagText(values, flagOf(key)), `--${flagOf(key)}`),
    (key) => wordOf(key, env[variableOf(key)] || null, variableOf(key)),
    (key) => {
      const text = context?.[key] ?? null;
      const isPath = key !== 'token' && text !== null;
      return wordOf(key, isPath ? resolve(dirname(contextsPath), text) : text, `${key} of the context`);
    },
  ];
  for (const place of places) {
    const [word, other] = keys.flatMap((key) => place(key) ?? []);
    if (other !== undefined && word !== undefined)
      throw usageError(`${word.name} and ${other.name} exclude each other`);
    if (word !== undefined) return word;
  }
  return null;
}

const variableOf = (key: CredentialKey): string => `BINNACLE_${flagOf(key).toUpperCase().replace('-', '_')}`;

const wordOf = (key: CredentialKey, text: string | null, name: string): Word | null =>
  text === null ? null : { key, text, name };

async function textFrom({ key, text, name }: Word): Promise<string> {
  if (key === 'token') return text;
  return readFile(text, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw usageError(`${name}: ${text} cannot be read: ${error.message}`);
  });
}

/** Rejects characters that a header cannot contain, without repeating the token. */
function checkToken(token: string, name: string): string {
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return token;
  throw usageError(`${name} holds no token: letters, digits and -._~+/ on one line`);
}
