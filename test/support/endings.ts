import { afterEach } from 'vitest';

/** What a file's tests start is ended after each of them, the newest first. Call it once, at the top of the file. */
export function createEndings() {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return {
    /** Ends something after the test. */
    after: (end: () => unknown): void => void ends.push(end),
    /** Waits for something to start, and ends it after the test. */
    async ending<T>(started: Promise<T>, end: (one: T) => unknown): Promise<T> {
      const one = await started;
      ends.push(() => end(one));
      return one;
    },
  };
}
