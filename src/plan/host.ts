import type { DestinationPlan } from './destination.ts';
import type { ListenerPlan, TargetPlan } from './listener.ts';
import type { VirtualHostPlan } from './route.ts';

/** A mistake in a valid rule, or two objects in each other's way. */
export interface PlanProblem {
  /** A rule id, or `service/namespace/host`. */
  readonly origin: string;
  readonly message: string;
}

/**
 * Everything that one hostname contributes to one scope: the unit that is compiled again when something that it was
 * compiled from changes. Its own keys (`service/<host>`, `vs/<host>`, `dr/<host>`) and `mesh` are dependencies of every
 * host plan and are not listed.
 */
export interface HostPlan {
  readonly host: string;
  readonly destinations: readonly DestinationPlan[];
  readonly virtualHosts: readonly VirtualHostPlan[];
  readonly listeners: readonly ListenerPlan[];
  /** Of clients without a proxy, which have no other listeners. */
  readonly targets: readonly TargetPlan[];
  /** Hosts whose destinations the routes name: they are needed though nobody may call them directly. */
  readonly references: readonly string[];
  /** Keys of other things that were read: `service/<other>`, `dr/<other>`, `endpoints/<service key>`. */
  readonly dependencies: readonly string[];
  readonly problems: readonly PlanProblem[];
}
