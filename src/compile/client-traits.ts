import type { ClientKind } from '../model/proxy.ts';
import type { AssignmentForm } from '../plan/destination.ts';

/** Traits of a kind of client that make plans differ. Its `Dialect` writes the plans. */
export interface ClientTraits {
  /**
   * True for a proxy between an application and its peers. Other clients are part of the application: they call
   * services by name and need no sockets.
   */
  readonly isProxy: boolean;
  /** True if its listeners can match connections to different filter chains. */
  readonly hasFilterChains: boolean;
  readonly assignmentForm: AssignmentForm;
  /** True if it can be sent unhealthy endpoints without calling them. */
  readonly knowsHealth: boolean;
}

export type TraitsByClient = Readonly<Record<ClientKind, ClientTraits>>;
