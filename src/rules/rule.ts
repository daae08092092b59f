import type { z } from 'zod';
import type { Brand } from '../lib/brand.ts';
import type { Compiled } from './compiled.ts';

/** Kubernetes' object metadata, as far as rules use it. */
export interface RuleMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** ISO 8601. Decides precedence: oldest first, then name, then namespace. */
  readonly creationTimestamp: string;
  /** Number of the version of `spec`, from 1. */
  readonly generation: number;
  /** Changes with every write; opaque to clients. */
  readonly resourceVersion: string;
  readonly uid: string;
}

/** A validated rule. Immutable: a change creates a new one. */
export interface Rule<Kind extends string = string, Spec = unknown> {
  readonly kind: Kind;
  /** Group and version in which the author wrote it: `networking.istio.io/v1`. */
  readonly apiVersion: string;
  readonly metadata: RuleMetadata;
  readonly spec: Spec;
  /** Location for people: `store`, or a file and document such as `routes.yaml#2`. */
  readonly origin: string;
}

/** `Kind/namespace/name`: identifies a rule in origins, logs and status. */
export type RuleId = Brand<string, 'RuleId'>;

/** Returns the id of a rule, or of any object with the same fields. */
export const ruleId = (rule: { kind: string; metadata: { namespace: string; name: string } }): RuleId =>
  `${rule.kind}/${rule.metadata.namespace}/${rule.metadata.name}` as RuleId; // the only place that builds one

/** A user's mistake: the place, and what to do. */
export interface Problem {
  /** `spec.http[0].route[1].weight`; empty for the object as a whole. */
  readonly path: string;
  readonly message: string;
}

/** A column of `kubectl get`. */
export interface RuleColumn {
  /** Heading, for example `Hosts`. */
  readonly name: string;
  /** Type of the value in OpenAPI's terms. */
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly about: string;
  /** True for a column of `-o wide` only. */
  readonly wide?: boolean;
  /** Reads a spec as written, which may lack the schema's defaults. Null shows as an empty cell. */
  readonly value: (spec: Readonly<Record<string, unknown>>) => string | number | boolean | null;
}

/** The export of a kind's folder. A new kind is one folder and a line in kinds/index.ts. */
export interface RuleKind<Kind extends string = string, Spec = unknown> {
  readonly kind: Kind;
  /** Name in URLs: `virtualservices`. */
  readonly plural: string;
  /** Singular, for example `virtualservice`. */
  readonly singular: string;
  /** Abbreviations of the plural, for example `vs`. */
  readonly shortNames: readonly string[];
  /** API group; empty for the core group. */
  readonly group: string;
  /** Preferred version first. Every stored object is served in all of them. */
  readonly versions: readonly string[];
  /** Objects of the cluster have the namespace `''`. */
  readonly scope: 'namespaced' | 'cluster';
  /** The only allowed name of objects of this kind; any name if left out. */
  readonly onlyName?: string;
  /** Purpose in a sentence or two; `kubectl explain` shows it. */
  readonly about: string;
  /** Strict: an unknown field is an error. */
  readonly spec: z.ZodType<Spec>;
  readonly columns: readonly RuleColumn[];
  /**
   * Returns the parts of a valid spec without effect in this release, as paths (`spec.http[2].fault`); `spec` for all
   * of it.
   */
  pending(spec: Spec): readonly string[];
  /**
   * Returns the parts of a valid spec that some clients may reject, as warnings for its author. If left out, there are
   * none.
   */
  doubts?(spec: Spec): readonly Problem[];
  /**
   * Advice for fields that earlier versions of the API had, by path without indices (`http[].appendHeaders`). These
   * fields are rejected like unknown ones.
   */
  readonly formerFields?: Readonly<Record<string, string>>;
  /** Labels of the object itself have a meaning: they become labels of services or workloads. */
  readonly readsLabels?: true;
  /** Index and audience for compiling. Absent if rules of this kind are not compiled directly. */
  readonly compiled?: Compiled<Spec>;
}

/** Compares rules of one kind by precedence: creation time, then name, then namespace. */
export function comparePrecedence(a: Rule, b: Rule): number {
  return (
    compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compareText(a.metadata.name, b.metadata.name) ||
    compareText(a.metadata.namespace, b.metadata.namespace)
  );
}

/** Compares by code units: the result is the same for every locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
