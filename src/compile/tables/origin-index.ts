/** Hosts or layers to which a rule or service contributes. Lookups of an origin visit these alone. */
export interface OriginIndex<Holder extends string> {
  add(holder: Holder, origins: readonly string[]): void;
  /** Reverts one `add`. */
  remove(holder: Holder, origins: readonly string[]): void;
  holdersOf(origin: string): Iterable<Holder>;
  has(origin: string): boolean;
}

export function createOriginIndex<Holder extends string>(): OriginIndex<Holder> {
  // Each different version of a host, in any scope, adds it once.
  const byOrigin = new Map<string, Map<Holder, number>>();
  return {
    add(holder, origins) {
      for (const origin of origins) {
        const holders = byOrigin.get(origin);
        if (holders === undefined) byOrigin.set(origin, new Map([[holder, 1]]));
        else holders.set(holder, (holders.get(holder) ?? 0) + 1);
      }
    },
    remove(holder, origins) {
      for (const origin of origins) {
        const holders = byOrigin.get(origin);
        const left = (holders?.get(holder) ?? 0) - 1;
        if (left > 0) holders?.set(holder, left);
        else holders?.delete(holder);
        if (holders?.size === 0) byOrigin.delete(origin);
      }
    },
    holdersOf: (origin) => byOrigin.get(origin)?.keys() ?? [],
    has: (origin) => byOrigin.has(origin),
  };
}
