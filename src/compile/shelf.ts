import { contentHash } from '../lib/hash.ts';

/** A value that several holders share. */
export interface Shelved<T> {
  /** A hash of its content: keys may be long, and stay as long as the value. */
  readonly key: string;
  readonly value: T;
  users: number;
}

/**
 * Keeps values by their content for as long as somebody uses them: equal parts of different scopes are made once and
 * share their bytes. Every `take` and `retain` is answered by one `release`.
 */
export interface Shelf<T> {
  /** The value of that content, which `content` tells from all others; `make` is called only if nobody has it. What it throws goes to the caller. */
  take(content: string, make: () => T): Shelved<T>;
  /** Holds it once more. */
  retain(shelved: Shelved<T>): Shelved<T>;
  /** Whether nobody uses the value any more. */
  release(shelved: Shelved<T>): boolean;
  readonly size: number;
}

export function createShelf<T>(onMake: () => void): Shelf<T> {
  const shelf = new Map<string, Shelved<T>>();
  return {
    take(content, make) {
      const key = contentHash(content);
      let shelved = shelf.get(key);
      if (shelved === undefined) {
        shelved = { key, value: make(), users: 0 };
        onMake();
        shelf.set(key, shelved);
      }
      shelved.users++;
      return shelved;
    },
    retain(shelved) {
      shelved.users++;
      return shelved;
    },
    release(shelved) {
      const isLast = --shelved.users === 0;
      if (isLast) shelf.delete(shelved.key);
      return isLast;
    },
    get size() {
      return shelf.size;
    },
  };
}
