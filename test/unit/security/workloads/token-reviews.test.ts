import { describe, expect, it } from 'vitest';
import type { TokenVerdict } from '../../../../src/security/workloads/token-review.ts';
import {
  createTokenReviews,
  invalidMs,
  reviewsAtOnce,
  reviewTimeoutMs,
  validMs,
} from '../../../../src/security/workloads/token-reviews.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

const valid: TokenVerdict = {
  type: 'valid',
  workload: { namespace: 'shop', serviceAccount: 'reviews', pod: { name: 'reviews-1', uid: 'u-1' } },
};
const invalid: TokenVerdict = { type: 'invalid', reason: 'expired' };

/** Reviews that a test answers by hand. */
function start() {
  const clock = fakeClock();
  const asked: { token: string; signal: AbortSignal; answer(verdict: TokenVerdict): void; fail(error: Error): void }[] =
    [];
  const reviewed: TokenVerdict[] = [];
  const reviews = createTokenReviews({
    review: (token, signal) =>
      new Promise((answer, fail) => {
        asked.push({ token, signal, answer, fail });
      }),
    clock,
    reviewed: (verdict) => reviewed.push(verdict),
  });
  /** Asks about a token, and answers the review if there is one. */
  const verdictOf = async (token: string, answer: TokenVerdict = valid) => {
    const before = asked.length;
    const verdict = reviews.verdictOf(token);
    await turns();
    const wasAsked = asked.length > before;
    if (wasAsked) asked.at(-1)?.answer(answer);
    return { wasAsked, verdict: await verdict };
  };
  return { clock, asked, reviewed, reviews, verdictOf };
}

const turns = () => new Promise((resolve) => setImmediate(resolve));
const jwt = (exp: number) => `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.sig`;

describe('reviews of tokens', () => {
  it('are requested once for many calls with one token', async () => {
    const { asked, reviews, reviewed } = start();
    const calls = Array.from({ length: 1_000 }, () => reviews.verdictOf('a'));
    await turns();
    expect(asked.map(({ token }) => token)).toEqual(['a']);
    asked[0]?.answer(valid);
    expect(new Set(await Promise.all(calls))).toEqual(new Set([valid]));
    expect(reviewed).toEqual([valid]);
  });

  it('cache a valid token for a while, then are requested again', async () => {
    const { clock, verdictOf, reviews } = start();
    await verdictOf('a');
    clock.advance(validMs - 1);
    expect((await verdictOf('a')).wasAsked).toBe(false);
    clock.advance(1);
    expect(reviews.size).toBe(0);
    expect((await verdictOf('a')).wasAsked).toBe(true);
  });

  it('cache a valid token until it expires at most', async () => {
    const { clock, verdictOf } = start();
    const token = jwt(clock.now() / 1_000 + 60);
    await verdictOf(token);
    clock.advance(59_000);
    expect((await verdictOf(token)).wasAsked).toBe(false);
    clock.advance(1_000);
    expect(await verdictOf(token, invalid)).toEqual({ wasAsked: true, verdict: invalid });
  });

  it('cache an invalid token for a short time', async () => {
    const { clock, verdictOf } = start();
    await verdictOf('a', invalid);
    expect(await verdictOf('a', valid)).toEqual({ wasAsked: false, verdict: invalid });
    clock.advance(invalidMs);
    expect(await verdictOf('a', valid)).toEqual({ wasAsked: true, verdict: valid });
  });

  it('accept cached tokens while the server is down, and no others', async () => {
    const { asked, reviews, verdictOf } = start();
    await verdictOf('a');
    expect((await verdictOf('a')).verdict).toEqual(valid);
    const other = reviews.verdictOf('b');
    await turns();
    asked.at(-1)?.fail(new Error('connect ECONNREFUSED'));
    expect(await other).toEqual({ type: 'unavailable', reason: 'connect ECONNREFUSED' });
    expect((await verdictOf('b')).wasAsked).toBe(true);
  });

  it('abort a review without an answer, and signal the reviewer', async () => {
    const { clock, asked, reviews, reviewed } = start();
    const verdict = reviews.verdictOf('a');
    await turns();
    clock.advance(reviewTimeoutMs);
    expect(await verdict).toMatchObject({ type: 'unavailable' });
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(reviewed.map(({ type }) => type)).toEqual(['unavailable']);
  });

  it('run in a bounded number at a time, the others as these are answered', async () => {
    const { asked, reviews } = start();
    const calls = Array.from({ length: reviewsAtOnce + 10 }, (_, index) => reviews.verdictOf(`token-${index}`));
    await turns();
    expect(asked).toHaveLength(reviewsAtOnce);
    for (const { answer } of asked) answer(valid);
    await turns();
    expect(asked).toHaveLength(reviewsAtOnce + 10);
    for (const { answer } of asked) answer(valid);
    expect(await Promise.all(calls)).toHaveLength(reviewsAtOnce + 10);
  });

  it('are not requested for calls that waited too long for their turn', async () => {
    const { clock, asked, reviews } = start();
    const calls = Array.from({ length: reviewsAtOnce + 1 }, (_, index) => reviews.verdictOf(`token-${index}`));
    await turns();
    clock.advance(reviewTimeoutMs);
    expect((await Promise.all(calls)).map(({ type }) => type)).not.toContain('valid');
    for (const { fail } of asked) fail(new Error('aborted'));
    await turns();
    expect(asked).toHaveLength(reviewsAtOnce);
    const later = reviews.verdictOf('later');
    await turns();
    asked.at(-1)?.answer(valid);
    expect(await later).toEqual(valid);
  });
});
