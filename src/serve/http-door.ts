import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Doors } from '../api/doors/guard.ts';
import type { HttpTls } from '../api/server.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { DoorReason } from '../model/access.ts';
import { identify } from '../rpc/identity.ts';
import { contextOptions } from '../rpc/tls.ts';
import type { Access } from '../security/access/access.ts';
import { loadAccessFile, watchAccessFile } from '../security/access/access-file.ts';
import { createAuthenticator, type PeerCertificate } from '../security/access/authenticate.ts';
import { createDoors } from '../security/doors/doors.ts';
import { createDoorRejectionLog } from '../security/doors/rejection-log.ts';
import { serverNames } from '../security/doors/server-names.ts';
import { loadTlsFiles, type TlsTexts, watchTlsFiles } from '../security/tls-files.ts';
import type { HttpConfig } from './config.ts';

/** Contents of the files that the HTTP configuration names. */
export interface HttpDoorFiles {
  readonly config: HttpConfig;
  readonly access: Access | null;
  readonly tls: TlsTexts | null;
}

/** Reads the files. Rejects with CONFIG_INVALID that names the file and its mistake. */
export async function readHttpDoorFiles(config: HttpConfig, log: Logger): Promise<HttpDoorFiles> {
  const { accessFile, tls } = config;
  return {
    config,
    access: accessFile === null ? null : await loadAccessFile(accessFile, log),
    tls: tls === null ? null : await loadTlsFiles(tls),
  };
}

export interface HttpDoorOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly observer: { refused(reason: DoorReason): void; accessFile(isGood: boolean): void };
}

export interface HttpDoor {
  readonly doors: Doors;
  readonly tls: HttpTls | null;
  /** Starts to follow the files; new certificates are applied to `server`. */
  follow(server: FastifyInstance): void;
}

/** Creates access control and TLS of the HTTP server. */
export function createHttpDoor(files: HttpDoorFiles, { clock, log, signal, observer }: HttpDoorOptions): HttpDoor {
  const { config } = files;
  const refusals = createDoorRejectionLog({ clock, log });
  let authenticator = files.access === null ? null : createAuthenticator(files.access);
  const listeners = new Set<() => void>();
  const doors = createDoors({
    names: serverNames(config.address.host, config.allowedHosts),
    authenticator: () => authenticator,
    refused(asked, verdict) {
      observer.refused(verdict.reason);
      refusals.note(asked, verdict);
    },
  });

  return {
    doors: {
      admit: (asked, socket) => doors.admit(asked, certificateOf(socket)),
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
