import type { Moved } from '../contract.ts';

/** What `Moved` says, while it is gathered. */
export interface Moving extends Moved {
  everyone: boolean;
  readonly addresses: Set<string>;
  readonly namespaces: Set<string>;
  readonly domains: Set<string>;
  readonly conditions: Set<string>;
}

export const nobodyMoved = (): Moving => ({
  everyone: false,
  addresses: new Set(),
  namespaces: new Set(),
  domains: new Set(),
  conditions: new Set(),
});

/** Null: no proxy is concerned. */
export const movedOrNull = (moved: Moving): Moved | null =>
  moved.everyone || [moved.addresses, moved.namespaces, moved.domains, moved.conditions].some(({ size }) => size > 0)
    ? moved
    : null;
