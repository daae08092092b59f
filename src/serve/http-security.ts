import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { AccessCheck } from '../api/access/guard.ts';
import type { HttpTls } from '../api/server.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { RefusalReason } from '../model/access.ts';
import { identify } from '../rpc/identity.ts';
import { contextOptions } from '../rpc/tls.ts';
import type { Access } from '../security/access/access.ts';
import { loadAccessFile, watchAccessFile } from '../security/access/access-file.ts';
import { createAuthenticator, type PeerCertificate } from '../security/access/authenticate.ts';
import { createHttpAccess } from '../security/http-access/http-access.ts';
import { createRefusalLog } from '../security/http-access/refusal-log.ts';
import { serverNames } from '../security/http-access/server-names.ts';
import { loadTlsFiles, type TlsTexts, watchTlsFiles } from '../security/tls-files.ts';
import type { HttpConfig } from './config.ts';

/** Contents of the files that the HTTP configuration names. */
export interface HttpSecurityFiles {
  readonly config: HttpConfig;
  readonly access: Access | null;
  readonly tls: TlsTexts | null;
}

/** Reads the files. Rejects with CONFIG_INVALID that names the file and its mistake. */
export async function readHttpSecurityFiles(config: HttpConfig, log: Logger): Promise<HttpSecurityFiles> {
  const { accessFile, tls } = config;
  return {
    config,
    access: accessFile === null ? null : await loadAccessFile(accessFile, log),
    tls: tls === null ? null : await loadTlsFiles(tls),
  };
}

export interface HttpSecurityOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly observer: { refused(reason: RefusalReason): void; accessFile(isGood: boolean): void };
}

export interface HttpSecurity {
  readonly accessCheck: AccessCheck;
  readonly tls: HttpTls | null;
  /** Starts to follow the files; new certificates are applied to `server`. */
  follow(server: FastifyInstance): void;
}

/** Creates access control and TLS of the HTTP server. */
export function createHttpSecurity(
  files: HttpSecurityFiles,
  { clock, log, signal, observer }: HttpSecurityOptions,
): HttpSecurity {
  const { config } = files;
  const refusals = createRefusalLog({ clock, log });
  let authenticator = files.access === null ? null : createAuthenticator(files.access);
  const listeners = new Set<() => void>();
  const httpAccess = createHttpAccess({
    names: serverNames(config.address.host, config.allowedHosts),
    authenticator: () => authenticator,
    refused(asked, verdict) {
      observer.refused(verdict.reason);
      refusals.note(asked, verdict);
    },
  });

  return {
    accessCheck: {
      admit: (asked, socket) => httpAccess.admit(asked, certificateOf(socket)),
      onChange: (listener) => listeners.add(listener),
    },
    tls: files.tls === null ? null : tlsOptions(files.tls),
    follow(server) {
      if (config.tls !== null && files.tls !== null) {
        const https = server.server as unknown as Server; // with `https`, fastify creates an HTTPS server
        const apply = (texts: TlsTexts) => https.setSecureContext(contextOptions(texts));
        watchTlsFiles(config.tls, { current: files.tls, apply, clock, log, signal });
      }
      if (config.accessFile !== null) {
        const apply = (access: Access) => {
          authenticator = createAuthenticator(access);
          for (const listener of listeners) listener();
        };
        watchAccessFile(config.accessFile, { clock, log, signal, apply, isGood: observer.accessFile });
      }
    },
  };
}

/**
 * Builds TLS options. Certificates are optional, as clients may send a token. A request with neither is rejected later,
 * with a message.
 */
const tlsOptions = (texts: TlsTexts): HttpTls => ({
  ...contextOptions(texts),
  requestCert: texts.clientCa !== null,
  rejectUnauthorized: false,
});

/** Certificates by connection; a connection may carry many requests. */
const certificates = new WeakMap<Socket, PeerCertificate>();

function certificateOf(socket: Socket): PeerCertificate {
  const known = certificates.get(socket) ?? readCertificate(socket);
  certificates.set(socket, known);
  return known;
}

function readCertificate(socket: Socket): PeerCertificate {
  if (!(socket instanceof TLSSocket)) return { type: 'none' };
  const identification = identify(socket);
  if (identification.type !== 'verified') return identification;
  const { spiffeId, subject } = identification.identity;
  const names = subject.split('\n').filter((attribute) => attribute.startsWith('CN='));
  return { type: 'verified', spiffeId, commonName: names.length === 1 ? (names[0]?.slice(3) ?? null) : null };
}
