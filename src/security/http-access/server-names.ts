import { ipVersion } from '../../lib/ip.ts';

/** Names of this server. */
export interface ServerNames {
  /** Reports whether a `Host` header names this server. */
  isOwn(host: string): boolean;
  /**
   * Reports whether the configuration lists this name. Such a name is also valid in `Origin`, if a proxy changes
   * `Host`.
   */
  isAllowed(hostname: string): boolean;
}

/**
 * Collects loopback names, the name of the listening address, and `allowed`: names, `*.example.com` for all names below
 * one, or `*`. IP addresses always name the server: a page loaded from an address has that address as its origin, so
 * DNS rebinding is impossible.
 */
export function serverNames(listening: string, allowed: readonly string[]): ServerNames {
  const patterns = allowed.map((one) => one.toLowerCase());
  const isAllowed = (hostname: string) => patterns.some((pattern) => pattern !== '*' && fits(pattern, hostname));
  return {
    isAllowed,
    isOwn(host) {
      const name = hostnameOf(host);
      if (name === null) return false;
      if (ipVersion(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return true;
      return name === listening.toLowerCase() || patterns.includes('*') || isAllowed(name);
    },
  };
}

/** Returns the name in `name:port` or `[address]:port`, in lower case; null if there is none. */
export function hostnameOf(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+?)\.?)(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}

const fits = (pattern: string, name: string): boolean =>
  pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) && name.length >= pattern.length : name === pattern;
