import type { VirtualHostPlan } from '../plan/route.ts';
import type { VirtualHostJson } from '../proto/json.ts';
import type { NamedCluster } from './generators/clusters.ts';
import type { NamedListener } from './generators/listeners.ts';

/**
 * What administrators change in generated messages of one layer, before they are encoded. Pure: equal messages are patched
 * to equal ones. Names must stay.
 */
export interface Patch {
  cluster(json: NamedCluster): NamedCluster;
  listener(json: NamedListener): NamedListener;
  /** Of a virtual host without name and domains; `plan` has these. */
  virtualHostBody(json: VirtualHostJson, plan: Pick<VirtualHostPlan, 'name' | 'routeConfiguration'>): VirtualHostJson;
}

export const noPatch: Patch = {
  cluster: (json) => json,
  listener: (json) => json,
  virtualHostBody: (json) => json,
};
