import { ipVersion } from '../../lib/ip.ts';

/** What a server is called by those who may ask it. */
export interface ServerNames {
  /** Whether a `Host` header names this server. */
  isOwn(host: string): boolean;
  /** Whether an administrator wrote this name down: it may also stand in `Origin` when a proxy changes `Host`. */
  isAllowed(hostname: string): boolean;
}

/**
 * Loopback names, the name that the server listens on, and `allowed`: names, or `*.example.com` for all names below one,
 * or `*`. Addresses always name the server: a page that reaches it by an address has that address for its origin, so
 * that no foreign name can be bound to it anew (DNS rebinding).
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

/** The name in `name:port` or `[address]:port`, in lower case; null where there is none. */
export function hostnameOf(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+?)\.?)(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}

const fits = (pattern: string, name: string): boolean =>
  pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) && name.length >= pattern.length : name === pattern;
