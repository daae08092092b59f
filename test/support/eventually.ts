import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** The awaited event, for the message of a failure. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Calls `probe` repeatedly until it returns a value that is neither undefined, false nor null, and resolves with that.
 * An error counts as "not yet". Rejects after `timeoutMs` with the last error as cause. The default, a minute, only
 * ends tests that hang.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { what, timeoutMs = 60_000, everyMs = 20 }: EventuallyOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>; // just checked
      }
    } catch (error) {
      cause = error;
    }
    await delay(everyMs);
  } while (performance.now() < deadline);
  throw new Error(`${what}: not within ${timeoutMs} ms`, cause === undefined ? {} : { cause });
}
