import type { VirtualHostPlan } from '../plan/route.ts';
import type { FilterChainJson, VirtualHostJson } from '../proto/json.ts';
import type { NamedCluster } from './generators/clusters.ts';
import type { NamedListener } from './generators/listeners.ts';

/**
 * Changes by administrators to generated messages of one layer, before encoding. Pure: equal messages give equal
 * results. Names must not change.
 */
export interface Patch {
  cluster(json: NamedCluster): NamedCluster;
  /** Changes a listener without its matched chains. */
  listener(json: NamedListener): NamedListener;
  /** Changes a chain without its match. */
  filterChain(json: FilterChainJson, listener: string): FilterChainJson;
  /** Changes a virtual host without name and domains; `plan` has these. */
  virtualHostBody(json: VirtualHostJson, plan: Pick<VirtualHostPlan, 'name' | 'routeConfiguration'>): VirtualHostJson;
}

export const noPatch: Patch = {
  cluster: (json) => json,
  listener: (json) => json,
  filterChain: (json) => json,
  virtualHostBody: (json) => json,
};
