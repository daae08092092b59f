import { defaultNameLimits, type NamePoolLimits } from '../xds/tables/names.ts';

/** Limits of one client and of one peer: `xds.limits`. */
export interface ClientLimits extends NamePoolLimits {
  /** Scopes (different configurations) that clients of one peer (`caller.ts`) may have at once. */
  readonly maxScopesPerPeer: number;
}

export const defaultClientLimits: ClientLimits = { ...defaultNameLimits, maxScopesPerPeer: 200 };
