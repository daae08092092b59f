/** Number of uses of each key. */
export interface Counts {
  /** Adds a use. Returns true if it is the first one. */
  add(key: string): boolean;
  /** Removes a use. Returns true if it was the last one. */
  remove(key: string): boolean;
  has(key: string): boolean;
  /** Returns the number of uses. */
  of(key: string): number;
  keys(): Iterable<string>;
}

export function createCounts(): Counts {
  const counts = new Map<string, number>();
  return {
    add(key) {
      const before = counts.get(key) ?? 0;
      counts.set(key, before + 1);
      return before === 0;
    },
    remove(key) {
      const before = counts.get(key) ?? 0;
      if (before > 1) {
        counts.set(key, before - 1);
        return false;
      }
      return counts.delete(key);
    },
    has: (key) => counts.has(key),
    of: (key) => counts.get(key) ?? 0,
    keys: () => counts.keys(),
  };
}
