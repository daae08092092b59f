/** Maximum number of stored problems per shard; further ones are only counted. */
export const maxStoredProblems = 1_000;

/** Rejected entries of one shard, by origin. */
export interface ShardProblems {
  add(origin: string, message: string): void;
  /** Clears the problems of the entry at `origin`, which is valid now or removed. */
  resolve(origin: string): void;
  clear(): void;
  /** Returns the current number of rejected entries. */
  count(): number;
  list(): readonly { readonly origin: string; readonly message: string }[];
}

export function createShardProblems(): ShardProblems {
  const messages = new Map<string, Set<string>>();
  let kept = 0;
  let beyond = 0;

  return {
    add(origin, message) {
      const known = messages.get(origin);
      if (known?.has(message)) return;
      if (kept >= maxStoredProblems) {
        beyond += 1;
        return;
      }
      kept += 1;
      if (known === undefined) messages.set(origin, new Set([message]));
      else known.add(message);
    },
    resolve(origin) {
      kept -= messages.get(origin)?.size ?? 0;
      messages.delete(origin);
    },
    clear() {
      messages.clear();
      kept = 0;
      beyond = 0;
    },
    count: () => kept + beyond,
    list: () => [...messages].flatMap(([origin, texts]) => [...texts].map((message) => ({ origin, message }))),
  };
}
