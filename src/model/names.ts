import type { Brand } from '../lib/brand.ts';

/** Fully qualified DNS name in lower case, optionally with a leading `*.`, or `*` alone. */
export type Hostname = Brand<string, 'Hostname'>;

/** Converts to lower case. Callers have checked that the text is a DNS name. */
export const hostname = (text: string): Hostname => text.toLowerCase() as Hostname; // the only cast to this brand

/** Key of one service in one namespace: `namespace/hostname`. */
export type ServiceKey = Brand<string, 'ServiceKey'>;

/** Builds a key. Services of equal hostname in two namespaces are different services. */
export const serviceKey = (namespace: string, host: Hostname): ServiceKey => `${namespace}/${host}` as ServiceKey;

/** Returns the hostname of a key. */
export const hostOfKey = (key: ServiceKey): Hostname => key.slice(key.indexOf('/') + 1) as Hostname; // made by serviceKey

/** Returns the namespace of a key. */
export const namespaceOfKey = (key: ServiceKey): string => key.slice(0, key.indexOf('/'));

/** Detects wildcards, including `*` alone. */
export const isWildcard = (host: string): boolean => host.startsWith('*');

/** Detects wildcards of a part of a label, such as `*-api.example.com`. */
export const isPartialWildcard = (host: string): boolean => host.length > 1 && isWildcard(host) && host[1] !== '.';

/**
 * Reports whether `pattern` (a hostname, a wildcard such as `*.example.com`, or `*`) covers `host` (possibly a
 * wildcard).
 */
export function covers(pattern: string, host: string): boolean {
  if (pattern === host || pattern === '*') return true;
  if (!isWildcard(pattern)) return false;
  const suffix = pattern.slice(1);
  return isWildcard(host) ? host.slice(1).endsWith(suffix) : host.endsWith(suffix) && host.length > suffix.length;
}
