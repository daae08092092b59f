import type { Labels } from './labels.ts';

/** How compiling finds the rules of a kind, and whom one of them may concern: exported beside the kind's schema. */
export interface Compiled<Spec> {
  readonly index: RuleIndexing<Spec>;
  audience(spec: Spec): Audience;
}

/** By what the rules of a kind are found. A change of a rule reaches what is found in the same way. */
export type RuleIndexing<Spec> = HostIndexing<Spec> | WorkloadIndexing<Spec>;

/** By the hosts that clients call: a change compiles these hosts again. */
export interface HostIndexing<Spec> {
  readonly by: 'host';
  /** Whether clients may call a host that no service has, because a rule is written for it. */
  readonly makesHosts: boolean;
  /** Hostnames and wildcards, fully qualified (`qualifiedHost`). */
  hosts(spec: Spec, place: RulePlace): Iterable<string>;
}

/**
 * By the workloads that it selects, in its namespace; a rule of the root namespace holds for all. A change asks the proxies of
 * these namespaces which rules they have.
 */
export interface WorkloadIndexing<Spec> {
  readonly by: 'workload';
  /** The labels that workloads need. Null: it is for all of them. */
  selector(spec: Spec): Labels | null;
}

/** The context that completes names in a rule: its namespace, and the mesh's domain suffix. */
export interface RulePlace {
  readonly namespace: string;
  /** The last part of Kubernetes hostnames: `cluster.local`. */
  readonly domainSuffix: string;
}

/**
 * By what proxies a rule may be told apart, in what they call. Proxies that differ in nothing that some rule names share a scope; so what is
 * not named here must not change what a proxy is told. The rule's own namespace always counts.
 */
export interface Audience {
  /** Namespaces of proxies; `*`, `.` and `~`, as `exportTo` has them, may stand among them. */
  readonly namespaces: readonly string[];
  /** Sets of labels that proxies have or lack. */
  readonly labels: readonly Labels[];
}
