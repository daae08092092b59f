import type { RuleId } from './rule.ts';

/** A condition of an object, in Kubernetes' form. */
export interface Condition {
  readonly type: 'Accepted' | 'Programmed';
  readonly status: 'True' | 'False';
  /** Reason in one word, for programs; ADR 8 lists them. */
  readonly reason: string;
  /** Message for people: the meaning, and what to do. */
  readonly message: string;
  readonly observedGeneration: number;
  /** ISO 8601: time at which the current `status` was first seen. */
  readonly lastTransitionTime: string;
}

/** A proxy's rejection of a resource that the object contributes to. */
export interface RuleRejection {
  /** The node id. */
  readonly proxy: string;
  readonly type: string;
  readonly resources: readonly string[];
  /** The proxy's error message. */
  readonly message: string;
}

/** Effect of an object. Computed from the rules in effect and the answers of proxies; never stored. */
export interface RuleStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
  readonly proxies: {
    /** Connected proxies with a resource that the object contributes to. */
    readonly concerned: number;
    readonly acknowledged: number;
    readonly pending: number;
    readonly rejected: number;
  };
  /** Rejections, at most ten. */
  readonly rejections: readonly RuleRejection[];
  /** Addresses allocated to the hosts of a ServiceEntry, in Istio's form. Absent: none. */
  readonly addresses?: readonly HostAddress[];
}

/** Address that a host has because its ServiceEntry gives none. */
export interface HostAddress {
  readonly host: string;
  readonly value: string;
}

/** The status of rules, for the rules API. */
export interface RuleStatuses {
  /** Returns the status of an object of the store. Must be cheap: a list of 10,000 objects calls it 10,000 times. */
  of(object: {
    readonly kind: string;
    readonly metadata: { readonly namespace: string; readonly name: string; readonly generation: number };
    readonly spec: unknown;
  }): RuleStatus;
  /** Calls `listener` with the ids whose status changed, at most once a second. The returned function unsubscribes. */
  subscribe(listener: (ids: readonly RuleId[]) => void): () => void;
}
