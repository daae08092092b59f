import { z } from 'zod';
import type { Protocol } from '../model/service.ts';

/** Protocols as Istio writes them, in lower case. Databases are opaque to a proxy without a filter of their own. */
const protocols: Readonly<Record<string, Protocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'grpc',
  'grpc-web': 'grpc-web',
  https: 'https',
  tls: 'tls',
  tcp: 'tcp',
  udp: 'udp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
};

/** The protocol that a port names in any case, or undefined. */
export const protocolOf = (text: string): Protocol | undefined => {
  const name = text.toLowerCase();
  return Object.hasOwn(protocols, name) ? protocols[name] : undefined;
};

/** The protocol of a port, in any case; empty text means none. */
export const protocolName = z
  .string()
  .max(256)
  .refine((text) => text === '' || protocolOf(text) !== undefined, {
    error: `must be one of ${Object.keys(protocols).join(', ')} (in any case)`,
  });
