import { readFile } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { type ExecCredential, runExec } from './exec.ts';
import type { ClusterAccess, Material } from './kubeconfig.ts';

/** Address of a server and proof of identity, as of one moment. */
export interface ClusterCredentials {
  /** Base URL without a trailing slash. */
  readonly server: string;
  readonly tls: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> & {
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
  };
  /** Headers of each request. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Source of credentials that are rotated meanwhile: files, a command, a Secret. */
export interface CredentialSource {
  /**
   * Returns the current credentials; the value keeps its identity while nothing changes. Files are read again when the
   * last reading is older than ten seconds. Rejects if they cannot be read and the server rejected the last ones, or if
   * there are none.
   */
  current(): Promise<ClusterCredentials>;
  /** Makes the next `current` read everything again, because the server rejected the credentials. */
  refused(): void;
}

const rereadMs = 10_000;
/** Time before its expiry at which a command is run again. */
const earlyMs = 60_000;

/** Creates a source. `access` is called for each reading, so that a changed kubeconfig is used. */
export function createCredentials(access: () => Promise<ClusterAccess>, clock: Pick<Clock, 'now'>): CredentialSource {
  let reading: Promise<ClusterCredentials> | null = null;
  let last: ClusterCredentials | null = null;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let isRefused = false;
  let issued: { readonly command: string; readonly credential: ExecCredential } | null = null;

  async function execCredential(from: ClusterAccess, ca: string | null): Promise<ExecCredential | null> {
    if (from.exec === null) return null;
    const command = JSON.stringify(from.exec);
    const isCurrent =
      issued?.command === command &&
      (issued.credential.expiresAtMs ?? Number.POSITIVE_INFINITY) - earlyMs > clock.now();
    if (!isCurrent) issued = { command, credential: await runExec(from.exec, from, ca) };
    return issued?.credential ?? null;
  }

  async function read(): Promise<ClusterCredentials> {
    const from = await access();
    const [ca, cert, key, token] = await Promise.all(
      [from.ca, from.clientCert, from.clientKey, from.token].map(contentsOf),
    );
    const exec = await execCredential(from, ca ?? null);
    return {
      server: from.server,
      tls: {
        ...given('ca', ca),
        ...given('cert', exec?.clientCert ?? cert),
        ...given('key', exec?.clientKey ?? key),
        ...given('servername', from.tlsServerName),
        rejectUnauthorized: !from.skipTlsVerify,
      },
      headers: headersOf(from, exec?.token ?? token?.trim() ?? null),
    };
  }

  async function readAgain(): Promise<ClusterCredentials> {
    try {
      const next = await read();
      readAtMs = clock.now();
      if (last === null || JSON.stringify(last) !== JSON.stringify(next)) last = next;
      isRefused = false;
      return last;
    } catch (cause) {
      if (last === null || isRefused) throw cause;
      return last; // a file is being replaced
    } finally {
      reading = null;
    }
  }

  return {
    async current() {
      if (last !== null && clock.now() - readAtMs < rereadMs) return last;
      reading ??= readAgain();
      return reading;
    },
    refused() {
      readAtMs = Number.NEGATIVE_INFINITY;
      isRefused = true;
      issued = null;
    },
  };
}

const contentsOf = async (material: Material): Promise<string | null> => {
  if (material === null) return null;
  return material.type === 'data' ? material.data : await readFile(material.path, 'utf8');
};

const given = <Key extends string>(key: Key, value: string | null | undefined): { readonly [K in Key]?: string } =>
  // The computed key is `Key`; TypeScript widens it to string.
  value ? ({ [key]: value } as { readonly [K in Key]?: string }) : {};

function headersOf(access: ClusterAccess, token: string | null): ClusterCredentials['headers'] {
  const { basic, impersonate } = access;
  const authorization =
    token !== null
      ? `Bearer ${token}`
      : basic === null
        ? null
        : `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
  return {
    ...(authorization === null ? {} : { authorization }),
    ...(impersonate === null ? {} : { 'impersonate-user': impersonate.user }),
    ...(impersonate === null || impersonate.groups.length === 0 ? {} : { 'impersonate-group': impersonate.groups }),
  };
}
