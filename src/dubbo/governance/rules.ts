import type { IdentityPattern, ProviderCondition } from './provider-condition.ts';
import type { TextPattern } from './text-pattern.ts';

/** Providers that a rule is about. */
export interface RuleScope {
  readonly services: IdentityPattern;
  /** Application of the providers; null for all. */
  readonly application: string | null;
}

/** Change of the parameters of providers. */
export interface OverrideRule {
  readonly scope: RuleScope;
  readonly conditions: readonly ProviderCondition[];
  readonly parameters: ReadonlyMap<string, string>;
  /** Precedence, by these numbers in turn: of two rules for one parameter the larger one applies. */
  readonly rank: readonly [level: number, isForOneHost: number, priority: number];
  /** Sets only parameters that are absent (`absent://`). */
  readonly isFallback: boolean;
}

/** Levels of rules: nodes of interfaces, then applications, then services of the configuration centre. */
export const levels = { url: 0, application: 1, service: 2 } as const;

/** Tags of the instances of an application. */
export interface TagRule {
  readonly application: string;
  readonly tags: readonly { readonly name: string; readonly conditions: readonly ProviderCondition[] }[];
  /** Calls with a tag that no instance has fail, in place of going to instances without a tag. */
  readonly isForced: boolean;
}

/** Condition on a call. */
export interface CallCondition {
  /** Method, attachment of the call, or parameter of the calling application (a label of its workload). */
  readonly on: 'method' | 'attachment' | 'caller';
  /** Name of the attachment or parameter; empty for the method. */
  readonly key: string;
  readonly pattern: TextPattern;
  readonly isNegated: boolean;
}

/** Conditions on a call that must all hold. */
export type CallMatch = readonly CallCondition[];

/** Routes of calls to some instances. */
export interface ConditionRule {
  readonly scope: RuleScope;
  /** The first case that matches applies. */
  readonly cases: readonly ConditionCase[];
  /** Order in which rules apply, by these numbers in turn. */
  readonly rank: readonly [level: number, priority: number];
}

export interface ConditionCase {
  /** Alternatives of which one must hold. */
  readonly when: readonly CallMatch[];
  /** Instances that get the calls, by weight. Empty: nobody does. */
  readonly to: readonly { readonly weight: number; readonly conditions: readonly ProviderCondition[] }[];
  /** Calls fail if no instance meets the conditions, in place of going to all. */
  readonly isForced: boolean;
}

/** Rules of one node or dataId. */
export interface RuleDocument {
  readonly overrides: readonly OverrideRule[];
  readonly tags: readonly TagRule[];
  readonly conditions: readonly ConditionRule[];
  /** Parts that are left out, with reasons for people. */
  readonly faults: readonly string[];
}

export const emptyDocument: RuleDocument = { overrides: [], tags: [], conditions: [], faults: [] };

export const faultyDocument = (...faults: readonly string[]): RuleDocument => ({ ...emptyDocument, faults });
