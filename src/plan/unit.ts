/** A mistake in a valid rule, or two objects in each other's way. */
export interface PlanProblem {
  /** A rule id, or `service/namespace/host`. */
  readonly origin: string;
  readonly message: string;
}

/**
 * A part of a layer that is compiled by itself, and again when something that it was compiled from changes: all that one
 * host contributes to a scope, one port of a workload, what every layer of a kind has. The plan of each kind of units adds
 * what it is made of.
 */
export interface UnitPlan {
  /** Other units of the layer that are needed for this one, by name. */
  readonly references: readonly string[];
  /** Names of things that were read, as src/compile/world/dirty.ts gives them; those of its own name are left out. */
  readonly dependencies: readonly string[];
  readonly problems: readonly PlanProblem[];
}
