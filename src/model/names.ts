import type { Brand } from '../lib/brand.ts';

/** A fully qualified DNS name in lower case, possibly with a leading `*.` (or `*` alone). */
export type Hostname = Brand<string, 'Hostname'>;

/** Only changes the case: whether it is a DNS name is checked where it comes in. */
export const hostname = (text: string): Hostname => text.toLowerCase() as Hostname; // the one place that makes one

/** Names one service of one namespace: `namespace/hostname`. */
export type ServiceKey = Brand<string, 'ServiceKey'>;

/** Two services of one hostname in two namespaces are two services. */
export const serviceKey = (namespace: string, host: Hostname): ServiceKey => `${namespace}/${host}` as ServiceKey;

/** The hostname that a key ends with. */
export const hostOfKey = (key: ServiceKey): Hostname => key.slice(key.indexOf('/') + 1) as Hostname; // made by serviceKey

/** Also true of `*` alone. */
export const isWildcard = (host: string): boolean => host.startsWith('*');

/** Whether `pattern` (a hostname or a wildcard such as `*.example.com` or `*`) covers `host` (which may be a wildcard too). */
export function covers(pattern: string, host: string): boolean {
  if (pattern === host || pattern === '*') return true;
  if (!isWildcard(pattern)) return false;
  const suffix = pattern.slice(1);
  return isWildcard(host) ? host.slice(1).endsWith(suffix) : host.endsWith(suffix) && host.length > suffix.length;
}
