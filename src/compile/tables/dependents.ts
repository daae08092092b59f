/** Which units of a layer read what, beyond their own names: from a changed key to the units that are dirty by it. */
export interface Dependents {
  replace(unit: string, before: readonly string[], after: readonly string[]): void;
  of(key: string): Iterable<string>;
  /** Those that read any of the keys; costs as much as the smaller of both. */
  ofAny(keys: ReadonlySet<string>): Iterable<string>;
}

export function createDependents(): Dependents {
  const byKey = new Map<string, Set<string>>();
  return {
    replace(unit, before, after) {
      for (const key of before) {
        if (after.includes(key)) continue;
        const units = byKey.get(key);
        units?.delete(unit);
        if (units?.size === 0) byKey.delete(key);
      }
      for (const key of after) {
        const units = byKey.get(key);
        if (units === undefined) byKey.set(key, new Set([unit]));
        else units.add(unit);
      }
    },
    of: (key) => byKey.get(key) ?? [],
    *ofAny(keys) {
      if (keys.size <= byKey.size) for (const key of keys) yield* byKey.get(key) ?? [];
      else for (const [key, units] of byKey) if (keys.has(key)) yield* units;
    },
  };
}
