/** How often each key is in use. */
export interface Counts {
  /** Whether the key is in use now and was not before. */
  add(key: string): boolean;
  /** Whether the key is no longer in use. */
  remove(key: string): boolean;
  has(key: string): boolean;
  /** How often it is in use. */
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
