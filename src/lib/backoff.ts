/** Exponential back-off with full jitter, as in gRPC and Envoy. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Returns a uniform number in [0, 1); injected by tests. */
  readonly random?: () => number;
}

/** Returns the delay before attempt number `attempt` (0 for the first retry), in milliseconds. */
export function backoffMs(attempt: number, { baseMs, maxMs, random = Math.random }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.ceil(ceiling * (0.5 + random() / 2));
}
