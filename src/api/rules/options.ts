import type { Clock } from '../../lib/clock.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { type Rule, type RuleKind, ruleId } from '../../rules/rule.ts';
import type { RuleStatuses } from '../../rules/status.ts';
import type { ObjectKey, RuleStore, StoredObject } from '../../rules/store/store.ts';
import type { Presentation } from './answers/list-answer.ts';
import type { ServedObject } from './answers/table.ts';

export interface RulesApiOptions {
  readonly kinds: readonly RuleKind[];
  readonly store: RuleStore;
  /** Knows what adapters define: it is shown, and those names are not taken. */
  readonly book: Pick<RuleBook, 'adapterOrigin' | 'filed' | 'onFiled'>;
  /** Adapters that have not answered yet, by name: until then nobody knows which names they define. */
  readonly awaited: () => readonly string[];
  /** Finds what rules that are written together refer to in vain; null: nobody knows. */
  readonly unresolved: ((rules: readonly Rule[]) => (rule: Rule) => readonly string[]) | null;
  /** Null: answers have no status. */
  readonly statuses: RuleStatuses | null;
  readonly clock: Clock;
}

/** The kind that `kubectl` knows as the place of other objects. */
export const isNamespaceKind = (kind: Pick<RuleKind, 'group' | 'kind'>): boolean =>
  kind.group === '' && kind.kind === 'Namespace';

/** Where an adapter defines an object of this name; null when none does. */
export const adapterOriginOf = (book: RulesApiOptions['book'], { kind, ...metadata }: ObjectKey): string | null =>
  book.adapterOrigin(ruleId({ kind, metadata }));

/** How objects of one kind are answered at URLs of one version. */
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
    rehearse: (object, current) => ({
      ...objectIn(kind, apiVersion, object),
      ...(current === null ? {} : statusOf(current)),
    }),
  };
}

/** An object without status. One stored object is served in every version; a cluster's has no namespace to show. */
export function objectIn(kind: RuleKind, apiVersion: string, object: StoredObject): ServedObject {
  const { spec } = object;
  if (kind.scope === 'namespaced') return { apiVersion, kind: object.kind, metadata: object.metadata, spec };
  const { namespace: _, ...metadata } = object.metadata;
  // The one field that is missing is left out of the JSON, as Kubernetes does; nothing reads it from a served object.
  return { apiVersion, kind: object.kind, metadata: metadata as ServedObject['metadata'], spec };
}
