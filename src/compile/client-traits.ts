import type { ClientKind } from '../model/proxy.ts';
import type { AssignmentForm } from '../plan/destination.ts';

/** Traits of a kind of client that make plans differ. Its `Dialect` writes the plans. */
export interface ClientTraits {
  /**
   * Whether it stands between an application and what that calls. One that does not is a part of the application: it is told of
   * names that it may call, and of no listeners.
   */
  readonly isProxy: boolean;
  /** Whether a listener of it can tell connections apart. */
  readonly hasFilterChains: boolean;
  readonly assignmentForm: AssignmentForm;
}

export type TraitsByClient = Readonly<Record<ClientKind, ClientTraits>>;
