import { it } from 'vitest';

/** Registers a test only where it applies. A test that does not apply is not counted as skipped. */
export const itWhere =
  (applies: boolean) =>
  (name: string, test: () => Promise<void>, timeoutMs?: number): void => {
    if (applies) it(name, test, timeoutMs);
  };
