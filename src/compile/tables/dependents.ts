/** Units of a layer by the keys that they read, without keys of their own name. A changed key makes its units dirty. */
export interface Dependents<Unit extends string = string> {
  replace(unit: Unit, before: readonly string[], after: readonly string[]): void;
  of(key: string): Iterable<Unit>;
  /** Returns the units that read any of the keys. Costs as much as the smaller of both sets. */
  ofAny(keys: ReadonlySet<string>): Iterable<Unit>;
}

export function createDependents<Unit extends string = string>(): Dependents<Unit> {
  const byKey = new Map<string, Set<Unit>>();
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
