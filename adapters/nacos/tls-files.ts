import { readFile } from 'node:fs/promises';
import { credentials } from '@grpc/grpc-js';
import type { NacosConfig } from './config.ts';
import type { Security } from './connection.ts';
import type { RequestTls } from './http.ts';

type TlsConfig = Pick<NacosConfig, 'tls'>;

/** Reads the files of TLS for a connection over gRPC. */
export async function securityOf({ tls }: TlsConfig): Promise<Security> {
  if (tls === undefined) return { credentials: credentials.createInsecure(), serverName: null };
  const [ca, key, cert] = await readAll(tls);
  return {
    credentials: credentials.createSsl(ca ?? null, key ?? null, cert ?? null),
    serverName: tls.serverName ?? null,
  };
}

/** Reads the files of TLS for requests over HTTP. */
export async function httpTlsOf({ tls }: TlsConfig): Promise<RequestTls> {
  if (tls === undefined) return {};
  const [ca, key, cert] = await readAll(tls);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}

const readAll = ({ caFile, keyFile, certFile }: NonNullable<TlsConfig['tls']>) =>
  Promise.all(
    [caFile, keyFile, certFile].map((path) => (path === undefined ? Promise.resolve(undefined) : readFile(path))),
  );
