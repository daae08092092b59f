import type { Labels } from './labels.ts';

/** Index and audience of the rules of a kind, for compiling. Exported beside the kind's schema. */
export interface Compiled<Spec> {
  readonly index: RuleIndexing<Spec>;
  audience(spec: Spec): Audience;
}

/** Index of the rules of a kind. It also finds the parts that a change of a rule affects. */
export type RuleIndexing<Spec> = HostIndexing<Spec> | WorkloadIndexing<Spec>;

/** Index by the hosts that clients call. A change compiles these hosts again. */
export interface HostIndexing<Spec> {
  readonly by: 'host';
  /** True if a rule defines hosts: clients may call them without a service. */
  readonly makesHosts: boolean;
  /** Returns hostnames and wildcards, fully qualified (`qualifiedHost`). */
  hosts(spec: Spec, place: RulePlace): Iterable<string>;
}

/**
 * Index by selected workloads of the rule's namespace; a rule of the root namespace applies to all. After a change, the
 * proxies of these namespaces select their rules again.
 */
export interface WorkloadIndexing<Spec> {
  readonly by: 'workload';
  /** Returns the labels that workloads need; null if it selects all. */
  selector(spec: Spec): Labels | null;
}

/** Context that completes names in a rule: its namespace, and the mesh's domain suffix. */
export interface RulePlace {
  readonly namespace: string;
  /** Last part of Kubernetes hostnames: `cluster.local`. */
  readonly domainSuffix: string;
}

/**
 * Facts of clients on which a rule depends. Proxies share a scope if no rule distinguishes them. A rule must therefore
 * depend on no other facts of clients. The rule's own namespace is always included.
 */
export interface Audience {
  /** Namespaces of proxies; may contain `*`, `.` and `~` as in `exportTo`. */
  readonly namespaces: readonly string[];
  /** Sets of labels by which the rule distinguishes proxies. */
  readonly labels: readonly Labels[];
  /** Preference of endpoints by the place of proxies; absent for none. `labels`: names of labels that it compares. */
  readonly places?: { readonly labels: readonly string[] } | undefined;
}
