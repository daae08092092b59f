import type { z } from 'zod';

/** Kubernetes' object metadata, as far as rules use it. */
export interface RuleMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** ISO 8601. Decides precedence: the oldest first, then name, then namespace. */
  readonly creationTimestamp: string;
  /** Counts changes of `spec`, from 1. */
  readonly generation: number;
  /** Changes with every write; opaque to clients. */
  readonly resourceVersion: string;
  readonly uid: string;
}

/** A validated rule. Immutable: a change makes a new one. */
export interface Rule<Kind extends string = string, Spec = unknown> {
  readonly kind: Kind;
  /** Group and version that it was written in: `networking.istio.io/v1`. */
  readonly apiVersion: string;
  readonly metadata: RuleMetadata;
  readonly spec: Spec;
  /** Where a person finds it: `store`, or a file and document such as `routes.yaml#2`. */
  readonly origin: string;
}

/** `Kind/namespace/name`: names a rule in origins, logs and status. */
export type RuleId = string;

/** Of rules and of anything that is named like one. */
export const ruleId = (rule: { kind: string; metadata: { namespace: string; name: string } }): RuleId =>
  `${rule.kind}/${rule.metadata.namespace}/${rule.metadata.name}`;

/** A user's mistake: where, and what to do. */
export interface Problem {
  /** `spec.http[0].route[1].weight`; empty for the object as a whole. */
  readonly path: string;
  readonly message: string;
}

/** A column of `kubectl get`. */
export interface RuleColumn {
  /** `Hosts`. */
  readonly name: string;
  /** How the value is written, as OpenAPI says it. */
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly about: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  /** Of a spec as written: it may lack what the schema fills in. Null is shown as nothing. */
  readonly value: (spec: Readonly<Record<string, unknown>>) => string | number | boolean | null;
}

/** What a kind's folder exports. Adding a kind is one folder plus a line in kinds/index.ts. */
export interface RuleKind<Kind extends string = string, Spec = unknown> {
  readonly kind: Kind;
  /** `virtualservices`, as in URLs. */
  readonly plural: string;
  /** `virtualservice`. */
  readonly singular: string;
  /** What people type instead of the plural: `vs`. */
  readonly shortNames: readonly string[];
  /** Empty for the core group. */
  readonly group: string;
  /** Preferred first. One stored object is served in all of them. */
  readonly versions: readonly string[];
  /** A cluster's objects have the namespace `''`. */
  readonly scope: 'namespaced' | 'cluster';
  /** The one name that an object of this kind may have; any if left out. */
  readonly onlyName?: string;
  /** What it is for, in a sentence or two; `kubectl explain` shows it. */
  readonly about: string;
  /** Strict: an unknown field is an error. */
  readonly spec: z.ZodType<Spec>;
  readonly columns: readonly RuleColumn[];
  /** What of a valid spec has no effect in this release, as paths (`spec.http[2].fault`); `spec` for all of it. */
  pending(spec: Spec): readonly string[];
  /** What of a valid spec some clients may not take: its author is warned. Left out: nothing. */
  doubts?(spec: Spec): readonly Problem[];
}

/** Precedence between rules of one kind: creation time, then name, then namespace. */
export function comparePrecedence(a: Rule, b: Rule): number {
  return (
    compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compareText(a.metadata.name, b.metadata.name) ||
    compareText(a.metadata.namespace, b.metadata.namespace)
  );
}

/** By code units: the same on every machine, whatever its locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
