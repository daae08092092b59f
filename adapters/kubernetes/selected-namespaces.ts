import type { ClusterObjectChange } from '../../src/kubernetes/reflector.ts';
import { type DiscoverySelector, selectsNamespace } from './discovery-selectors.ts';
import { readKubernetesObject } from './translate-object.ts';

/** Namespaces of one cluster: which are selected, and the network that one of them names. */
export interface SelectedNamespaces {
  /** Reports whether the objects of a namespace are read. Without selectors all are. */
  isSelected(namespace: string): boolean;
  /** Network by the label `topology.istio.io/network` of the root namespace; empty if unknown. */
  network(): string;
  /** Takes changes of Namespaces. Returns which were selected and deselected by them. */
  received(changes: readonly ClusterObjectChange[]): {
    readonly gained: ReadonlySet<string>;
    readonly lost: ReadonlySet<string>;
  };
}

export interface NamespacesOptions {
  readonly selectors: readonly DiscoverySelector[];
  readonly rootNamespace: string;
}

export function createSelectedNamespaces({ selectors, rootNamespace }: NamespacesOptions): SelectedNamespaces {
  const selected = new Set<string>();
  let network = '';

  /** Returns the labels of a namespace; null if it was removed. */
  function labelsIn(change: ClusterObjectChange): Readonly<Record<string, string>> | null {
    if (change.type === 'removed') return null;
    const read = readKubernetesObject({ apiVersion: 'v1', kind: 'Namespace', ...change.object }, '');
    return read.ok ? read.value.metadata.labels : {};
  }

  return {
    isSelected: (namespace) => selectors.length === 0 || selected.has(namespace),
    network: () => network,
    received(changes) {
      const before = new Set(selected);
      for (const change of changes) {
        const { name } = change.type === 'put' ? change.object.metadata : change.metadata;
        const labels = labelsIn(change);
        if (labels !== null && selectsNamespace(selectors, labels)) selected.add(name);
        else selected.delete(name);
        if (name === rootNamespace) network = labels?.['topology.istio.io/network'] ?? '';
      }
      if (selectors.length === 0) return { gained: new Set(), lost: new Set() };
      return { gained: selected.difference(before), lost: before.difference(selected) };
    },
  };
}
