import { compareText } from '../rule.ts';
import type { ObjectKey, ObjectList, StoreChange, StoredObject } from './store.ts';
import { keyOf, keyText } from './write.ts';

type Listener = (changes: readonly StoreChange[]) => void;

/** The committed objects of a store in memory: what reads are served from, and who is told of changes. */
export interface CommittedObjects {
  get(key: ObjectKey): StoredObject | null;
  list(kind: string, namespace?: string): ObjectList;
  /** Takes committed changes in and tells the listeners. `revision` is the store's counter after them. */
  commit(changes: readonly StoreChange[], revision: number): void;
  subscribe(listener: Listener): () => void;
  revision(): number;
}

export function committedObjects(initial: Iterable<StoredObject>, initialRevision: number): CommittedObjects {
  const objects = new Map<string, StoredObject>();
  for (const object of initial) objects.set(keyText(keyOf(object)), object);
  const listeners = new Set<Listener>();
  let revision = initialRevision;

  return {
    revision: () => revision,
    get: (key) => objects.get(keyText(key)) ?? null,
    list(kind, namespace) {
      const items = [...objects.values()].filter(
        (object) => object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace),
      );
      items.sort(
        ({ metadata: a }, { metadata: b }) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name),
      );
      return { items, resourceVersion: String(revision) };
    },
    commit(changes, newRevision) {
      revision = newRevision;
      for (const change of changes) {
        if (change.type === 'put') objects.set(keyText(keyOf(change.object)), change.object);
        else objects.delete(keyText(change.key));
      }
      if (changes.length > 0) for (const listener of listeners) listener(changes);
    },
    subscribe(listener) {
      if (objects.size > 0) listener([...objects.values()].map((object) => ({ type: 'put', object })));
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
