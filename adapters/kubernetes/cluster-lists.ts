import type { Selection } from '../../src/kubernetes/client.ts';
import type { ClusterObjectChange, Reflector } from '../../src/kubernetes/reflector.ts';
import {
  configMaps,
  listPath,
  namespaces as namespaceKind,
  serviceKinds,
  type WatchedKind,
  watchedRuleKinds,
} from './kinds.ts';

/** List that is followed: a kind in one namespace or in all. */
export interface ClusterList {
  readonly kind: WatchedKind;
  readonly path: string;
  readonly selection: Selection;
  /** True: objects of namespaces that are not selected are left out. */
  readonly isSelectable: boolean;
}

/** List whose objects are not part of the shard. */
export interface ExtraList extends ClusterList {
  /** Receives changes in order, and is called without any when the state of `reflector` may have changed. */
  readonly received: (changes: readonly ClusterObjectChange[], reflector: Reflector) => void;
}

export interface ShardListOptions {
  /** Namespaces to read; without it all. */
  readonly namespaces?: readonly string[] | undefined;
  readonly rootNamespace: string;
  /** Reads rules, too. The rules store reads those of its own cluster. */
  readonly rules: boolean;
  /** Reads the mesh configuration, too. */
  readonly meshConfig: boolean;
}

/** Lists of everything that becomes part of a shard. */
export function shardLists({ namespaces, rootNamespace, rules, meshConfig }: ShardListOptions): readonly ClusterList[] {
  const lists = [...serviceKinds, ...(rules ? watchedRuleKinds : [])].flatMap((kind) =>
    (kind.isNamespaced ? (namespaces ?? [null]) : [null]).map((namespace) => ({
      kind,
      path: listPath(kind, namespace),
      selection: {},
      isSelectable: kind.isNamespaced,
    })),
  );
  const mesh = {
    kind: configMaps,
    path: listPath(configMaps, rootNamespace),
    selection: { fieldSelector: 'metadata.name=istio' },
    isSelectable: false,
  };
  return meshConfig ? [...lists, mesh] : lists;
}

/** List of namespaces: all, where their labels select, or the one that names the network; null where neither is needed. */
export function namespaceList(
  { rootNamespace, network }: { readonly rootNamespace: string; readonly network?: string | undefined },
  hasSelectors: boolean,
): ClusterList | null {
  if (!hasSelectors && network !== undefined) return null;
  return {
    kind: { ...namespaceKind, isEssential: hasSelectors },
    path: listPath(namespaceKind, null),
    selection: hasSelectors ? {} : { fieldSelector: `metadata.name=${rootNamespace}` },
    isSelectable: false,
  };
}
