/** Exponential back-off with full jitter, as gRPC and Envoy use it. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1); a parameter so that tests are exact. */
  readonly random?: () => number;
}

/** How long to wait before attempt number `attempt` (0 for the first retry), in milliseconds. */
export function backoffMs(attempt: number, { baseMs, maxMs, random = Math.random }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.ceil(ceiling * (0.5 + random() / 2));
}
