import type { WatchCounters } from '../../src/adapter-contract/adapter.ts';
import type { ObjectMetadata } from '../../src/kubernetes/object.ts';
import type { ClusterObjectChange } from '../../src/kubernetes/reflector.ts';
import type { ClusterList } from './cluster-lists.ts';
import type { EntryProblems } from './entry-problems.ts';
import { readKubernetesObject, unknownCreationTime } from './translate-object.ts';
import { type KubernetesView, problemOf } from './translate-view.ts';

/** Received objects on their way into the view of a cluster, with the problems of each. */
export interface ClusterObjects {
  /** Sets the view. Changes that come before are dropped. */
  begin(view: KubernetesView): void;
  view(): KubernetesView | null;
  apply(list: ClusterList, change: ClusterObjectChange): void;
  remove(kind: ClusterList['kind'], name: ObjectName): void;
  /** Reports the problem of an origin; null: it has none any more. */
  report(origin: string, message: string | null): void;
  /** Takes back all problems. */
  clear(): void;
}

export interface ClusterObjectsOptions {
  readonly problems: EntryProblems;
  readonly counters: Pick<WatchCounters, 'ignored'>;
  readonly namespaces: { isSelected(namespace: string): boolean };
}

type ObjectName = Pick<ObjectMetadata, 'name' | 'namespace'>;

export function createClusterObjects({ problems, counters, namespaces }: ClusterObjectsOptions): ClusterObjects {
  const reported = new Set<string>();
  let view: KubernetesView | null = null;

  function report(origin: string, message: string | null): void {
    if (message === null) reported.delete(origin);
    else reported.add(origin);
    problems.report(origin, message);
  }

  function put({ kind, apiVersion }: ClusterList['kind'], object: { readonly metadata: ObjectMetadata }): void {
    const origin = originOf(kind, object.metadata);
    const read = readKubernetesObject({ ...object, apiVersion, kind }, origin);
    const result = read.ok ? view?.put(read.value) : read;
    report(origin, result === undefined ? null : problemOf(result));
    if (result?.ok === true && result.value.effect === 'unchanged') counters.ignored(kind);
  }

  function remove(kind: ClusterList['kind'], { name, namespace = 'default' }: ObjectName): void {
    const metadata = { name, namespace, labels: {}, annotations: {}, creationTimestamp: unknownCreationTime };
    view?.remove({ ...kind, metadata });
    report(originOf(kind.kind, metadata), null);
  }

  return {
    begin(created) {
      view = created;
    },
    view: () => view,
    apply({ kind, isSelectable }, change) {
      const { namespace = 'default' } = change.type === 'put' ? change.object.metadata : change.metadata;
      if (isSelectable && !namespaces.isSelected(namespace)) return;
      if (change.type === 'removed') remove(kind, change.metadata);
      else put(kind, change.object);
    },
    remove,
    report,
    clear() {
      for (const origin of reported) problems.report(origin, null);
    },
  };
}

const originOf = (kind: string, { name, namespace = 'default' }: ObjectName): string => `${kind} ${namespace}/${name}`;
