import type { Labels } from '../labels.ts';

/** Index of labelled things. A selector reads only the things that have its rarest label. */
export interface LabelIndex<T> {
  add(namespace: string, labels: Labels, thing: T): void;
  remove(namespace: string, labels: Labels, thing: T): void;
  /** Returns the things of a namespace that may have all these labels: a superset, to be checked. */
  candidates(namespace: string, labels: Labels): Iterable<T>;
}

export function createLabelIndex<T>(): LabelIndex<T> {
  const things = new Map<string, Set<T>>();

  function put(key: string, thing: T): void {
    const known = things.get(key);
    if (known === undefined) things.set(key, new Set([thing]));
    else known.add(thing);
  }

  function take(key: string, thing: T): void {
    const known = things.get(key);
    known?.delete(thing);
    if (known?.size === 0) things.delete(key);
  }

  return {
    add(namespace, labels, thing) {
      for (const key of keysOf(namespace, labels)) put(key, thing);
    },
    remove(namespace, labels, thing) {
      for (const key of keysOf(namespace, labels)) take(key, thing);
    },
    candidates(namespace, labels) {
      const sets = keysOf(namespace, labels).map((key) => things.get(key) ?? new Set<T>());
      return sets.reduce((rarest, set) => (set.size < rarest.size ? set : rarest));
    },
  };
}

/** Returns the keys of a set of labels: the whole namespace (for an empty selector), and each label pair in it. */
export const keysOf = (namespace: string, labels: Labels): readonly string[] => [
  namespace,
  ...Object.entries(labels).map(([name, value]) => `${namespace}/${name}=${value}`),
];
