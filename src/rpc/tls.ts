import { constants } from 'node:crypto';
import type { SecureServerOptions } from 'node:http2';
import type { SecureContextOptions } from 'node:tls';

/** Certificates of a server, and the CAs for its clients. PEM texts. */
export interface TlsMaterial {
  /** The server's certificate and the intermediate ones. */
  readonly cert: string;
  readonly key: string;
  /** CAs of client certificates; null to request no certificate. */
  readonly clientCa: string | null;
}

export interface RpcTls {
  readonly material: TlsMaterial;
  /** Refuses clients without a certificate. Otherwise they are served without an identity. */
  readonly requireClientCert: boolean;
}

/** Returns the options of a server that speaks only HTTP/2 over TLS 1.2 and newer. */
export function tlsServerOptions({ material, requireClientCert }: RpcTls): SecureServerOptions {
  return {
    ...contextOptions(material),
    allowHTTP1: false,
    requestCert: material.clientCa !== null,
    // if false, a handshake without a trusted certificate succeeds: untrusted connections are ended afterwards
    rejectUnauthorized: requireClientCert,
  };
}

/** Returns the options that change with the certificates. */
export function contextOptions({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return {
    cert,
    key,
    ...(clientCa === null ? {} : { ca: clientCa }),
    minVersion: 'TLSv1.2',
    // a resumed session would skip the check of a client certificate that expired, or whose CA was removed
    ...(clientCa === null ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }),
  };
}
