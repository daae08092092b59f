import type { DestinationPlan } from './destination.ts';
import type { FilterChainPlan, TargetPlan } from './listener.ts';
import type { VirtualHostPlan } from './route.ts';
import type { UnitPlan } from './unit.ts';

/**
 * Contribution of one hostname to one scope. Every host plan depends on its own keys (`service@<host>`, `vs@<host>`,
 * `dr@<host>`) and on `mesh`, which are not listed. `references` are hosts whose destinations the routes name. They are
 * compiled even if nobody may call them directly.
 */
export interface HostPlan extends UnitPlan {
  readonly host: string;
  readonly destinations: readonly DestinationPlan[];
  readonly virtualHosts: readonly VirtualHostPlan[];
  readonly chains: readonly FilterChainPlan[];
  /** Targets of clients without a proxy, which have no chains. */
  readonly targets: readonly TargetPlan[];
}
