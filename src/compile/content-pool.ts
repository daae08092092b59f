import { contentHash } from '../lib/hash.ts';

/** A value that several holders share. */
export interface Pooled<T> {
  /** A hash of its content: keys may be long, and stay as long as the value. */
  readonly key: string;
  readonly value: T;
  users: number;
}

/**
 * Keeps values by their content for as long as somebody uses them: equal parts of different scopes are made once and
 * share their bytes. Every `take` and `retain` is answered by one `release`.
 */
export interface ContentPool<T> {
  /** The value of that content, which `content` tells from all others; `make` is called only if nobody has it. What it throws goes to the caller. */
  acquire(content: string, make: () => T): Pooled<T>;
  /** Holds it once more. */
  retain(pooled: Pooled<T>): Pooled<T>;
  /** Whether nobody uses the value any more. */
  release(pooled: Pooled<T>): boolean;
  readonly size: number;
}

export function createContentPool<T>(onMake: () => void): ContentPool<T> {
  const pool = new Map<string, Pooled<T>>();
  return {
    acquire(content, make) {
      const key = contentHash(content);
      let pooled = pool.get(key);
      if (pooled === undefined) {
        pooled = { key, value: make(), users: 0 };
        onMake();
        pool.set(key, pooled);
      }
      pooled.users++;
      return pooled;
    },
    retain(pooled) {
      pooled.users++;
      return pooled;
    },
    release(pooled) {
      const isLast = --pooled.users === 0;
      if (isLast) pool.delete(pooled.key);
      return isLast;
    },
    get size() {
      return pool.size;
    },
  };
}
