import { defaultNameLimits, type NamePoolLimits } from '../xds/tables/names.ts';

/** What one client, or one peer, may cost: `xds.limits`. */
export interface ClientLimits extends NamePoolLimits {
  /** Scopes (different configurations) that clients of one peer (`caller.ts`) may have at once. */
  readonly maxScopesPerPeer: number;
}

export const defaultClientLimits: ClientLimits = { ...defaultNameLimits, maxScopesPerPeer: 200 };
