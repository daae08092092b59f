/** Runs tasks for keys, a bounded number at once. A key that waits already is not added again. */
export interface Queue<Key> {
  add(key: Key): void;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
  /** Discards what waits. */
  clear(): void;
}

export interface QueueOptions<Key> {
  readonly concurrency: number;
  readonly keyOf: (key: Key) => string;
  /** Must not reject. */
  readonly run: (key: Key) => Promise<void>;
}

export function createQueue<Key>({ concurrency, keyOf, run }: QueueOptions<Key>): Queue<Key> {
  const waiting = new Map<string, Key>();
  let running = 0;
  let listeners: (() => void)[] = [];

  async function work(): Promise<void> {
    for (const [id, key] of waiting) {
      waiting.delete(id);
      await run(key);
    }
    running -= 1;
    if (running > 0 || waiting.size > 0) return;
    const done = listeners;
    listeners = [];
    for (const listener of done) listener();
  }

  return {
    add(key) {
      waiting.set(keyOf(key), key);
      if (running >= concurrency) return;
      running += 1;
      void work();
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => listeners.push(resolve))),
    clear: () => waiting.clear(),
  };
}
