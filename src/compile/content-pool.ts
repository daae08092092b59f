import { contentHash } from '../lib/hash.ts';

/** Value shared by several users. */
export interface Pooled<T> {
  /** Hash of its content. Contents may be long, and the key lives as long as the value. */
  readonly key: string;
  readonly value: T;
  users: number;
}

/**
 * Keeps values by content while they are in use, so that scopes share equal parts. Each `acquire` and `retain` needs
 * one `release`.
 */
export interface ContentPool<T> {
  /**
   * Returns the value for `content`, which must identify it. Calls `make` only if no user has it; errors of `make` go
   * to the caller.
   */
  acquire(content: string, make: () => T): Pooled<T>;
  /** Adds a user. */
  retain(pooled: Pooled<T>): Pooled<T>;
  /** Removes a user. Returns true if it was the last one. */
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
