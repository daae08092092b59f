/** The most problems of one shard that are kept; beyond it only their number is known. */
export const maxProblems = 1_000;

/** Refused entries of one shard, by where a person finds them. */
export interface Problems {
  add(origin: string, message: string): void;
  /** The entry at `origin` is right now, or gone. */
  resolve(origin: string): void;
  clear(): void;
  /** How many entries are refused at this moment. */
  count(): number;
  list(): readonly { readonly origin: string; readonly message: string }[];
}

export function createProblems(): Problems {
  const messages = new Map<string, Set<string>>();
  let kept = 0;
  let beyond = 0;

  return {
    add(origin, message) {
      const known = messages.get(origin);
      if (known?.has(message)) return;
      if (kept >= maxProblems) {
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
