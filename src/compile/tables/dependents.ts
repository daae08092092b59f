/** Which hosts of a scope read what, beyond their own names: from a changed key to the hosts that are dirty by it. */
export interface Dependents {
  replace(host: string, before: readonly string[], after: readonly string[]): void;
  of(dependency: string): Iterable<string>;
}

export function createDependents(): Dependents {
  const byKey = new Map<string, Set<string>>();
  return {
    replace(host, before, after) {
      for (const key of before) {
        if (after.includes(key)) continue;
        const hosts = byKey.get(key);
        hosts?.delete(host);
        if (hosts?.size === 0) byKey.delete(key);
      }
      for (const key of after) {
        const hosts = byKey.get(key);
        if (hosts === undefined) byKey.set(key, new Set([host]));
        else hosts.add(host);
      }
    },
    of: (dependency) => byKey.get(dependency) ?? [],
  };
}
