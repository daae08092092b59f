import type { Clock } from '../../lib/clock.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { type Rule, type RuleKind, ruleId } from '../../rules/rule.ts';
import type { RuleStatuses } from '../../rules/status.ts';
import type { ObjectKey, RuleStore, StoredObject } from '../../rules/store.ts';
import type { Presentation } from './answers/list-answer.ts';
import type { ServedObject } from './answers/table.ts';

export interface RulesApiOptions {
  readonly kinds: readonly RuleKind[];
  readonly store: RuleStore;
  /** Book with the objects of adapters. They are shown, and their names cannot be written. */
  readonly book: Pick<RuleBook, 'adapterOrigin' | 'adapterObject' | 'onAdapterObjects'>;
  /** Names of adapters that have not reported yet. Until they do, the names that they define are unknown. */
  readonly awaited: () => readonly string[];
  /** Finds unresolved references of rules that are written together; null if this cannot be checked. */
  readonly unresolved: ((rules: readonly Rule[]) => (rule: Rule) => readonly string[]) | null;
  /** Statuses of rules; null to answer without status. */
  readonly statuses: RuleStatuses | null;
  readonly clock: Clock;
}

/** Reports whether a kind is `Namespace`. */
export const isNamespaceKind = (kind: Pick<RuleKind, 'group' | 'kind'>): boolean =>
  kind.group === '' && kind.kind === 'Namespace';

/** Returns the source of the adapter's object of this name; null if there is none. */
export const adapterOriginOf = (book: RulesApiOptions['book'], { kind, ...metadata }: ObjectKey): string | null =>
  book.adapterOrigin(ruleId({ kind, metadata }));

/** Builds the presentation of one kind at URLs of one version. */
export function presentationOf(
  kind: RuleKind,
  apiVersion: string,
  { statuses, clock }: Pick<RulesApiOptions, 'statuses' | 'clock'>,
): Presentation {
  const statusOf = (object: StoredObject): object => {
    if (isNamespaceKind(kind)) return { status: { phase: 'Active' } };
    return statuses === null ? {} : { status: statuses.of(object) };
  };
  return {
    kind,
    apiVersion,
    now: clock.now,
    show: (object) => ({ ...objectIn(kind, apiVersion, object), ...statusOf(object) }),
    showDryRun: (object, current) => ({
      ...objectIn(kind, apiVersion, object),
      ...(current === null ? {} : statusOf(current)),
    }),
  };
}

/** Converts an object to the version of the URL, without status. A cluster-scoped object has no namespace field. */
export function objectIn(kind: RuleKind, apiVersion: string, object: StoredObject): ServedObject {
  const { spec } = object;
  if (kind.scope === 'namespaced') return { apiVersion, kind: object.kind, metadata: object.metadata, spec };
  const { namespace: _, ...metadata } = object.metadata;
  // Like Kubernetes, the JSON omits an absent namespace. Nothing reads that field from a served object.
  return { apiVersion, kind: object.kind, metadata: metadata as ServedObject['metadata'], spec };
}
