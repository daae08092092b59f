import type { RuleId } from './rule.ts';

/** A condition of an object, in Kubernetes' form. */
export interface Condition {
  readonly type: 'Accepted' | 'Programmed';
  readonly status: 'True' | 'False';
  /** One word for programs; the table of ADR 8. */
  readonly reason: string;
  /** For people: what it means and what to do. */
  readonly message: string;
  readonly observedGeneration: number;
  /** ISO 8601: when `status` was first seen to be as it is. */
  readonly lastTransitionTime: string;
}

/** What a proxy said against a resource that the object contributes to. */
export interface Rejection {
  /** The node id. */
  readonly proxy: string;
  readonly type: string;
  readonly resources: readonly string[];
  /** The proxy's own words. */
  readonly message: string;
}

/** What became of an object. Computed from what is in effect and what proxies answered; never stored. */
export interface RuleStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
  readonly proxies: {
    /** Connected proxies that are served a resource that the object contributes to. */
    readonly concerned: number;
    readonly acknowledged: number;
    readonly pending: number;
    readonly rejected: number;
  };
  /** At most ten. */
  readonly rejections: readonly Rejection[];
}

/** The status of rules, for the rules API. */
export interface RuleStatuses {
  /** Of an object of the store as it is now. Cheap: a list of 10,000 asks 10,000 times. */
  of(object: {
    readonly kind: string;
    readonly metadata: { readonly namespace: string; readonly name: string; readonly generation: number };
    readonly spec: unknown;
  }): RuleStatus;
  /** Calls `listener` with the ids whose status is another now, at most once a second. The returned function ends it. */
  subscribe(listener: (ids: readonly RuleId[]) => void): () => void;
}
