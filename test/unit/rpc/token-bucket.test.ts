import { expect, it } from 'vitest';
import { TokenBucket } from '../../../src/rpc/token-bucket.ts';

const taken = (bucket: TokenBucket, nowMs: number, times: number): number =>
  Array.from({ length: times }, () => bucket.take(nowMs)).filter(Boolean).length;

it('allows a burst at once, then the rate per second, and accumulates no more than the burst', () => {
  const bucket = new TokenBucket({ burst: 5, perSecond: 2 }, 0);
  expect(taken(bucket, 0, 9)).toBe(5);
  expect(taken(bucket, 499, 1)).toBe(0);
  expect(taken(bucket, 1500, 9)).toBe(2);
  expect(taken(bucket, 1_000_000, 9)).toBe(5);
});

it('ignores a clock that goes back', () => {
  const bucket = new TokenBucket({ burst: 1, perSecond: 1 }, 10_000);
  expect(bucket.take(0)).toBe(true);
  expect(bucket.take(500)).toBe(false);
});

it('accepts returned tokens up to the burst', () => {
  const bucket = new TokenBucket({ burst: 3, perSecond: 0 }, 0);
  expect(taken(bucket, 0, 3)).toBe(3);
  bucket.add(0.5);
  expect(bucket.take(0)).toBe(false);
  bucket.add(100);
  expect(taken(bucket, 0, 9)).toBe(3);
});
