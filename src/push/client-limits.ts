import { defaultNameLimits, type NamePoolLimits } from '../xds/tables/names.ts';

/** Limits of one client and of one peer: `xds.limits`. */
export interface ClientLimits extends NamePoolLimits {
  /** Maximum number of scopes (different configurations) of clients of one peer (`caller.ts`). */
  readonly maxScopesPerPeer: number;
}

export const defaultClientLimits: ClientLimits = { ...defaultNameLimits, maxScopesPerPeer: 200 };
