import type { MovedProxies } from '../contract.ts';

/** `MovedProxies` during collection. */
export interface MutableMovedProxies extends MovedProxies {
  everyone: boolean;
  readonly addresses: Set<string>;
  readonly namespaces: Set<string>;
  readonly domains: Set<string>;
  readonly conditions: Set<string>;
}

export const noMovedProxies = (): MutableMovedProxies => ({
  everyone: false,
  addresses: new Set(),
  namespaces: new Set(),
  domains: new Set(),
  conditions: new Set(),
});

/** Returns null for an empty set of proxies. */
export const movedOrNull = (moved: MutableMovedProxies): MovedProxies | null =>
  moved.everyone || [moved.addresses, moved.namespaces, moved.domains, moved.conditions].some(({ size }) => size > 0)
    ? moved
    : null;
