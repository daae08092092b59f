import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { TokenVerdict } from './token-review.ts';
import { createTurnstile } from './turnstile.ts';

/** Reviews a token. The signal aborts when no caller waits any more. Rejects if no answer arrives. */
export type TokenReviewer = (token: string, signal: AbortSignal) => Promise<TokenVerdict>;

/** Cache of token reviews. Many calls with one token cost one review. */
export interface TokenReviews {
  /** Resolves with a cached verdict or that of a new review; `unavailable` if the review takes too long. */
  verdictOf(token: string): Promise<TokenVerdict>;
  /** Number of cached verdicts. */
  readonly size: number;
}

export interface TokenReviewsOptions {
  readonly review: TokenReviewer;
  readonly clock: Clock;
  /** Called with the verdict of each review, not with cached ones. */
  readonly reviewed: (verdict: TokenVerdict) => void;
}

/** Cache time of a valid token, unless it expires earlier. The token of a deleted pod stays valid as long. */
export const validMs = 300_000;
/** Cache time of an invalid token. It may become valid: a clock may be behind. */
export const invalidMs = 10_000;
/** Time limit of a review, including its wait. */
export const reviewTimeoutMs = 10_000;
/** Maximum number of concurrent reviews: after a restart all sidecars connect at once. */
export const reviewsAtOnce = 64;
/** Maximum number of cached verdicts; the oldest one is removed first. */
const maxKept = 50_000;

/**
 * Creates a cache of verdicts by a keyed hash of the token, so that no token stays in memory. Concurrent calls share a
 * review. A failed review is not cached, so that the next call repeats it.
 */
export function createTokenReviews({ review, clock, reviewed }: TokenReviewsOptions): TokenReviews {
  const key = randomBytes(32);
  const kept = new Map<string, { readonly verdict: TokenVerdict; readonly cancel: () => void }>();
  const pending = new Map<string, Promise<TokenVerdict>>();
  const turnstile = createTurnstile(reviewsAtOnce);

  const drop = (hash: string) => {
    kept.get(hash)?.cancel();
    kept.delete(hash);
  };
  const keep = (hash: string, verdict: TokenVerdict, forMs: number) => {
    if (forMs <= 0) return;
    const [oldest] = kept.keys();
    if (kept.size >= maxKept && oldest !== undefined) drop(oldest);
    kept.set(hash, { verdict, cancel: clock.after(forMs, () => kept.delete(hash)) });
  };
  const ask = async (hash: string, token: string): Promise<TokenVerdict> => {
    const verdict = await inTime(clock, (signal) => turnstile(() => review(token, signal), signal));
    reviewed(verdict);
    if (verdict.type === 'valid') keep(hash, verdict, Math.min(validMs, expiryOf(token) - clock.now()));
    if (verdict.type === 'invalid') keep(hash, verdict, invalidMs);
    return verdict;
  };

  return {
    get size() {
      return kept.size;
    },
    async verdictOf(token) {
      const hash = createHmac('sha256', key).update(token).digest('base64');
      const known = kept.get(hash);
      if (known !== undefined) return known.verdict;
      const asked = pending.get(hash) ?? ask(hash, token).finally(() => pending.delete(hash));
      pending.set(hash, asked);
      return asked;
    },
  };
}

/** Runs a review with a time limit. Never rejects. */
async function inTime(clock: Clock, run: (signal: AbortSignal) => Promise<TokenVerdict>): Promise<TokenVerdict> {
  const over = new AbortController();
  const late = new Promise<TokenVerdict>((resolve) => {
    over.signal.addEventListener('abort', () =>
      resolve({ type: 'unavailable', reason: `no answer in ${reviewTimeoutMs / 1_000} s` }),
    );
  });
  const cancel = clock.after(reviewTimeoutMs, () => over.abort());
  const answered = run(over.signal).catch(
    (error: unknown): TokenVerdict => ({
      type: 'unavailable',
      reason: error instanceof Error ? error.message : String(error),
    }),
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    cancel();
  }
}

/**
 * Returns the expiry of a JSON Web Token in milliseconds since the epoch; infinity if it has none. Only for tokens that
 * a review found valid: the function verifies nothing.
 */
function expiryOf(token: string): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const seconds = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return typeof seconds === 'number' ? seconds * 1_000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY; // not a JSON Web Token
  }
}
