import type { LayerKey } from '../../compile/contract.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { Client } from '../client.ts';

/** Proxy that represents its scope. */
export interface KnownProxy {
  readonly scope: LayerKey;
  readonly proxy: Proxy;
  /** Maximum number of clients that the scope had at once. */
  readonly clients: number;
  /** Time of the last connect to the scope, in milliseconds since the Unix epoch. */
  readonly seenAtMs: number;
}

/** One proxy for each scope with recent clients. A start compiles these scopes before clients connect. */
export interface KnownProxies {
  connected(client: Pick<Client, 'layers' | 'proxy'>): void;
  /** Returns the proxies, those of the largest scopes first. */
  list(): readonly KnownProxy[];
  /** Adds proxies of an earlier run. */
  restore(proxies: Iterable<KnownProxy>): void;
  /** Calls `listener` when the list has changed enough to be saved. */
  onChange(listener: () => void): void;
}

export interface KnownProxiesOptions {
  readonly now: () => number;
}

/** Limit of scopes. A start has time for few more, and clients can invent any number of scopes. */
const maxScopes = 64;
/** Time after which a scope without clients is removed. */
const forgottenAfterMs = 7 * 86_400_000;
/** Precision of the time of the last client in the saved list. */
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
      // A doubling counts, not each further client: otherwise every client of a storm would be a change.
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
