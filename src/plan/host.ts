import type { DestinationPlan } from './destination.ts';
import type { ListenerPlan, TargetPlan } from './listener.ts';
import type { VirtualHostPlan } from './route.ts';
import type { UnitPlan } from './unit.ts';

/**
 * Everything that one hostname contributes to one scope. Its own keys (`service@<host>`, `vs@<host>`, `dr@<host>`) and `mesh`
 * are dependencies of every host plan and are not listed. `references` are hosts whose destinations the routes name: they are
 * needed though nobody may call them directly.
 */
export interface HostPlan extends UnitPlan {
  readonly host: string;
  readonly destinations: readonly DestinationPlan[];
  readonly virtualHosts: readonly VirtualHostPlan[];
  readonly listeners: readonly ListenerPlan[];
  /** Of clients without a proxy, which have no other listeners. */
  readonly targets: readonly TargetPlan[];
}
