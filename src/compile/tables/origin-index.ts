/** Which hosts a rule or service contributes to in some scope: where to look when somebody asks what became of it. */
export interface OriginIndex {
  add(host: string, origins: readonly string[]): void;
  /** Answers one `add`. */
  remove(host: string, origins: readonly string[]): void;
  hostsOf(origin: string): Iterable<string>;
}

export function createOriginIndex(): OriginIndex {
  // Scopes that are told different things of a host add it once each.
  const byOrigin = new Map<string, Map<string, number>>();
  return {
    add(host, origins) {
      for (const origin of origins) {
        const hosts = byOrigin.get(origin);
        if (hosts === undefined) byOrigin.set(origin, new Map([[host, 1]]));
        else hosts.set(host, (hosts.get(host) ?? 0) + 1);
      }
    },
    remove(host, origins) {
      for (const origin of origins) {
        const hosts = byOrigin.get(origin);
        const left = (hosts?.get(host) ?? 0) - 1;
        if (left > 0) hosts?.set(host, left);
        else hosts?.delete(host);
        if (hosts?.size === 0) byOrigin.delete(origin);
      }
    },
    hostsOf: (origin) => byOrigin.get(origin)?.keys() ?? [],
  };
}
