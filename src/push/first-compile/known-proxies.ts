import type { LayerKey } from '../../compile/contract.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { Client } from '../client.ts';

/** One proxy of a scope: it stands for all of them. */
export interface KnownProxy {
  readonly scope: LayerKey;
  readonly proxy: Proxy;
  /** The most clients that the scope had at once. */
  readonly clients: number;
  /** When one of them connected last, in milliseconds since the Unix epoch. */
  readonly seenAtMs: number;
}

/** For each scope that had clients lately, one of them: a start compiles for these before any comes. */
export interface KnownProxies {
  connected(client: Pick<Client, 'layers' | 'proxy'>): void;
  /** Those whose scopes had the most clients first. */
  list(): readonly KnownProxy[];
  /** Proxies that an earlier run knew. */
  restore(proxies: Iterable<KnownProxy>): void;
  /** Calls `listener` when what `list` answers differs enough to be kept. */
  onChange(listener: () => void): void;
}

export interface KnownProxiesOptions {
  readonly now: () => number;
}

/** A start compiles few more than these in its time; the list is also bounded against clients that make scopes up. */
const maxScopes = 64;
/** A scope without clients for so long is forgotten. */
const forgottenAfterMs = 7 * 86_400_000;
/** How late the time of the last client may be in the list that is kept. */
const staleMs = 3_600_000;

export function createKnownProxies({ now }: KnownProxiesOptions): KnownProxies {
  const listeners: (() => void)[] = [];
  const byScope = new Map<LayerKey, KnownProxy>();
  const list = () => [...byScope.values()].sort((a, b) => b.clients - a.clients || b.seenAtMs - a.seenAtMs);
  return {
    connected({ layers: [layer], proxy }) {
      if (layer === undefined) return;
      const before = byScope.get(layer.key);
      const seenAtMs = now();
      // Many more, not each one more: otherwise every client of a storm would be a change.
      const isMore = layer.users >= 2 * (before?.clients ?? 0);
      if (before !== undefined && !isMore && seenAtMs - before.seenAtMs < staleMs) return;
      const clients = Math.max(layer.users, before?.clients ?? 0);
      byScope.set(layer.key, { scope: layer.key, proxy, clients, seenAtMs });
      if (byScope.size > maxScopes) byScope.delete(list().at(-1)?.scope ?? layer.key);
      for (const listener of listeners) listener();
    },
    list,
    onChange: (listener) => void listeners.push(listener),
    restore(proxies) {
      for (const known of proxies) {
        if (now() - known.seenAtMs < forgottenAfterMs) byScope.set(known.scope, known);
      }
    },
  };
}
