import { compareText } from '../rules/rule.ts';
import type { ObjectKey, StoredObject } from '../rules/store.ts';

/**
 * Objects by kind, namespace and name. Lists are immutable arrays; a list keeps its identity until one of its objects
 * changes.
 */
export interface ObjectIndex {
  get(key: ObjectKey): StoredObject | null;
  put(object: StoredObject): void;
  remove(key: ObjectKey): void;
  /** Sorted by namespace, then name. */
  list(kind: string, namespace?: string): readonly StoredObject[];
  all(): StoredObject[];
}

interface Names {
  readonly objects: Map<string, StoredObject>;
  /** Null once an object changed. */
  list: readonly StoredObject[] | null;
  /** Names in the order of the last list. Sorting the next list starts from them, as they are nearly in order. */
  sorted: readonly string[];
}

interface Kind {
  readonly namespaces: Map<string, Names>;
  list: readonly StoredObject[] | null;
}

export function objectIndex(): ObjectIndex {
  const kinds = new Map<string, Kind>();
  const find = (key: ObjectKey) => kinds.get(key.kind)?.namespaces.get(key.namespace);

  return {
    get: (key) => find(key)?.objects.get(key.name) ?? null,
    put(object) {
      const { namespace, name } = object.metadata;
      const kind = kinds.get(object.kind) ?? { namespaces: new Map<string, Names>(), list: null };
      const names = kind.namespaces.get(namespace) ?? { objects: new Map(), list: null, sorted: [] };
      kinds.set(object.kind, kind);
      kind.namespaces.set(namespace, names);
      names.objects.set(name, object);
      names.list = null;
      kind.list = null;
    },
    remove(key) {
      const kind = kinds.get(key.kind);
      const names = kind?.namespaces.get(key.namespace);
      if (kind === undefined || names === undefined) return;
      names.objects.delete(key.name);
      names.list = null;
      kind.list = null;
      if (names.objects.size === 0) kind.namespaces.delete(key.namespace);
    },
    list(kindName, namespace) {
      const kind = kinds.get(kindName);
      if (kind === undefined) return [];
      if (namespace !== undefined) return listNames(kind.namespaces.get(namespace));
      kind.list ??= [...kind.namespaces.keys()].sort(compareText).flatMap((at) => listNames(kind.namespaces.get(at)));
      return kind.list;
    },
    all: () =>
      [...kinds.values()].flatMap((kind) =>
        [...kind.namespaces.values()].flatMap(({ objects }) => [...objects.values()]),
      ),
  };
}

function listNames(names: Names | undefined): readonly StoredObject[] {
  if (names === undefined) return [];
  if (names.list !== null) return names.list;
  const { objects, sorted } = names;
  const known = new Set(sorted);
  const kept = sorted.filter((name) => objects.has(name));
  const added = [...objects.keys()].filter((name) => !known.has(name));
  names.sorted = added.length === 0 ? kept : [...kept, ...added.sort(compareText)].sort(compareText);
  names.list = names.sorted.flatMap((name) => objects.get(name) ?? []);
  return names.list;
}
