import type { LayerKey } from '../compile/contract.ts';
import { RpcError } from '../rpc/status.ts';

/**
 * Counts the scopes that each peer (`caller.ts`) created or uses, as long as they are kept. A client can claim other facts at each
 * connect, and each combination is compiled and kept in memory as a whole.
 */
export class ScopesByPeer {
  readonly #most: number;
  readonly #byPeer = new Map<string, Set<LayerKey>>();
  readonly #peers = new Map<LayerKey, Set<string>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a scope that the peer requests. Throws a RpcError (RESOURCE_EXHAUSTED) if the peer has the maximum of others. */
  admit(peer: string, scope: LayerKey): void {
    const own = this.#byPeer.get(peer);
    if (own !== undefined && !own.has(scope) && own.size >= this.#most) {
      const message = `${peer} has ${this.#most} different configurations, and may have no more (xds.limits.maxScopesPerPeer)`;
      throw new RpcError('RESOURCE_EXHAUSTED', message);
    }
    this.add(peer, scope);
  }

  add(peer: string, scope: LayerKey): void {
    setOf(this.#byPeer, peer).add(scope);
    setOf(this.#peers, scope).add(peer);
  }

  /** Removes a scope that is no longer kept. */
  closed(scope: LayerKey): void {
    for (const peer of this.#peers.get(scope) ?? []) {
      const own = this.#byPeer.get(peer);
      own?.delete(scope);
      if (own?.size === 0) this.#byPeer.delete(peer);
    }
    this.#peers.delete(scope);
  }
}

function setOf<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  const known = sets.get(key);
  if (known !== undefined) return known;
  const made = new Set<V>();
  sets.set(key, made);
  return made;
}
