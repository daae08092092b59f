import type { RuleKind } from '../../rules/rule.ts';
import type { ObjectKey } from '../../rules/store.ts';
import { apiVersionsOf } from '../../rules/validation/validate.ts';

/** Kind of objects in the cluster. */
export interface StoredKind {
  readonly kind: string;
  /** Version in which objects are read and written: `networking.istio.io/v1`. Its definition serves the others. */
  readonly apiVersion: string;
  /** Name in paths. */
  readonly plural: string;
  readonly isNamespaced: boolean;
  /** Objects of this kind belong to the cluster. Writes are refused. */
  readonly isReadOnly: boolean;
}

/** Lists the kinds of the rules API as the cluster has them. Core kinds, which are Namespaces, are not written. */
export const storedKinds = (kinds: readonly RuleKind[]): readonly StoredKind[] =>
  kinds.map((kind) => ({
    kind: kind.kind,
    apiVersion: apiVersionsOf(kind)[0] ?? '',
    plural: kind.plural,
    isNamespaced: kind.scope === 'namespaced',
    isReadOnly: kind.group === '',
  }));

/** Builds the path of a kind's list over all namespaces. */
export const storedKindPath = ({ apiVersion, plural }: StoredKind): string => `${rootOf(apiVersion)}/${plural}`;

/** Builds the path to which an object is posted. */
export const collectionPath = ({ apiVersion, plural, isNamespaced }: StoredKind, namespace: string): string =>
  isNamespaced
    ? `${rootOf(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${rootOf(apiVersion)}/${plural}`;

export const storedObjectPath = (
  kind: StoredKind,
  { namespace, name }: Pick<ObjectKey, 'namespace' | 'name'>,
): string => `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;

const rootOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
