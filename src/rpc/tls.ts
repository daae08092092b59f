import { constants } from 'node:crypto';
import type { SecureServerOptions } from 'node:http2';
import type { SecureContextOptions } from 'node:tls';

/** What a server proves itself with, and checks its clients against. PEM texts. */
export interface TlsMaterial {
  /** The server's certificate, and those between it and its root. */
  readonly cert: string;
  readonly key: string;
  /** Who may sign the certificates of clients; null: clients are not asked for one. */
  readonly clientCa: string | null;
}

export interface RpcTls {
  readonly material: TlsMaterial;
  /** A client without a certificate is refused. Otherwise it is served, with no identity. */
  readonly requireClientCert: boolean;
}

/** The options of a server that speaks HTTP/2 over TLS 1.2 and newer, and nothing else. */
export function tlsServerOptions({ material, requireClientCert }: RpcTls): SecureServerOptions {
  return {
    ...contextOptions(material),
    allowHTTP1: false,
    requestCert: material.clientCa !== null,
    // without a certificate the handshake still succeeds: connections with one that is not to be trusted are ended then
    rejectUnauthorized: requireClientCert,
  };
}

/** What is exchanged when certificates change. */
export function contextOptions({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return {
    cert,
    key,
    ...(clientCa === null ? {} : { ca: clientCa }),
    minVersion: 'TLSv1.2',
    // a resumed session would skip the check of a client certificate that has expired or whose CA was taken away
    ...(clientCa === null ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }),
  };
}
