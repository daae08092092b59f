import { z } from 'zod';
import type { Protocol } from '../model/service.ts';

/** Istio's protocol names in lower case. Proxies treat databases as opaque TCP unless they have a filter for them. */
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

/** Returns the protocol with this name, in any case, or undefined. */
export const protocolOf = (text: string): Protocol | undefined => {
  const name = text.toLowerCase();
  return Object.hasOwn(protocols, name) ? protocols[name] : undefined;
};

const names = Object.keys(protocols).join(', ');

/** The protocol of a port, in any case; empty text means none. */
export const protocolName = z
  .string()
  .max(256)
  .refine((text) => text === '' || protocolOf(text) !== undefined, { error: `must be one of ${names} (in any case)` });

/** Returns whether a protocol is that of an HTTP proxy, which clients tell the host of each request. */
export const isHttpProxy = (text: string): boolean => text.toLowerCase() === 'http_proxy';

/** The protocol of a Sidecar's port: also that of an HTTP proxy. */
export const sidecarProtocolName = z
  .string()
  .max(256)
  .refine((text) => text === '' || protocolOf(text) !== undefined || isHttpProxy(text), {
    error: `must be one of ${names}, http_proxy (in any case)`,
  });

/** Returns the protocol of a port: as declared, or by the prefix of its name. */
export const protocolOfPort = ({ name, protocol }: { name: string; protocol?: string | undefined }): Protocol =>
  protocolOf(protocol || (name.split('-')[0] ?? '')) ?? 'unknown';
