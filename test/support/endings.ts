import { afterEach } from 'vitest';

/** Ends what a file's tests start, after each test, newest first. Call it once, at the top of the file. */
export function createEndings() {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return {
    /** Registers a function to call after the test. */
    after: (end: () => unknown): void => void ends.push(end),
    /** Waits for a start, and ends the result after the test. */
    async ending<T>(started: Promise<T>, end: (one: T) => unknown): Promise<T> {
      const one = await started;
      ends.push(() => end(one));
      return one;
    },
  };
}
