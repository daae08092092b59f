/** Mistake in a valid rule, or a conflict of two objects. */
export interface PlanProblem {
  /** Origin: a rule id or `service/namespace/host`. */
  readonly origin: string;
  readonly message: string;
}

/**
 * Unit of incremental compilation: a part of a layer that is compiled again when one of its inputs changes. Examples are
 * the contribution of one host to a scope, one port of a workload, and the constant part of a layer. The plan of each
 * kind of unit extends this one.
 */
export interface UnitPlan {
  /** Names of other units of the layer that this one needs. */
  readonly references: readonly string[];
  /** Names of the inputs that were read, as src/compile/world/dirty.ts defines them, without those of its own name. */
  readonly dependencies: readonly string[];
  readonly problems: readonly PlanProblem[];
}
