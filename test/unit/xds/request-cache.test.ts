import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { typeUrls } from '../../../src/proto/resource.ts';
import { RequestCache } from '../../../src/xds/recognition/request-cache.ts';
import { parseDeltaRequest, parseSotwRequest } from '../../../src/xds/wire/request.ts';

const typeUrl = typeUrls.endpoint;
const namesOf = (count: number, prefix = 'outbound|80||svc') =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(5, '0')}.test`);

const sotw = (names: string[], more: { responseNonce?: string; node?: { id: string } } = {}) =>
  toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { typeUrl, resourceNames: names, ...more }));
const delta = (names: string[], more: { responseNonce?: string; node?: { id: string } } = {}) =>
  toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, { typeUrl, resourceNamesSubscribe: names, ...more }),
  );

describe('the cache of long subscriptions', () => {
  it('returns the subscription of one client for equal bytes of another', () => {
    for (const [mode, bytes] of [
      ['sotw', sotw(namesOf(100))],
      ['delta', delta(namesOf(100))],
    ] as const) {
      const memory = new RequestCache(mode);
      expect(memory.candidate(bytes.length)).toBe(null);
      const first = memory.read(bytes);
      const known = memory.candidate(bytes.length)?.parts[0] ?? new Uint8Array(0);
      expect(Buffer.compare(known, bytes)).toBe(0);
      expect(memory.read(known)).toBe(first); // not parsed again
      expect(first).toEqual(mode === 'sotw' ? parseSotwRequest(bytes) : parseDeltaRequest(bytes));
    }
  });

  it('copies the bytes, because the socket reuses its buffer', () => {
    const bytes = sotw(namesOf(100));
    const memory = new RequestCache('sotw');
    const request = memory.read(bytes);
    const before = JSON.stringify(request);
    const known = Buffer.from(memory.candidate(bytes.length)?.parts[0] ?? []);
    bytes.fill(0);
    expect(JSON.stringify(request)).toBe(before);
    expect(memory.candidate(bytes.length)?.parts).toEqual([new Uint8Array(known)]);
  });

  it('parses other bytes of the same length', () => {
    const memory = new RequestCache('sotw');
    memory.read(sotw(namesOf(100)));
    const other = sotw(namesOf(100, 'outbound|81||svc'));
    expect(memory.read(other)).toEqual(parseSotwRequest(other));
    expect(Buffer.compare(memory.candidate(other.length)?.parts[0] ?? new Uint8Array(0), other)).toBe(0); // the newest one
  });

  it.each([
    ['a short one', sotw(namesOf(3))],
    ['one with a node, which is of one client', sotw(namesOf(100), { node: { id: 'sidecar~10.0.0.1~a.b~b.svc' } })],
    ['an acknowledgement, which is of one response', sotw(namesOf(100), { responseNonce: 'n1' })],
  ])('does not keep %s', (_what, bytes) => {
    const memory = new RequestCache('sotw');
    memory.read(bytes);
    expect(memory.candidate(bytes.length)).toBe(null);
  });

  it('keeps four megabytes at most, and drops the oldest', () => {
    const memory = new RequestCache('delta');
    const requests = Array.from({ length: 100 }, (_, index) => delta(['n'.repeat(100_000 + index)]));
    for (const bytes of requests) memory.read(bytes);
    const lengths = requests.map(({ length }) => length);
    const kept = lengths.filter((length) => memory.candidate(length) !== null);
    const bytes = kept.reduce((sum, length) => sum + length, 0);
    expect(bytes).toBeGreaterThan(3 << 20);
    expect(bytes).toBeLessThanOrEqual(4 << 20);
    expect(kept).toEqual(lengths.slice(-kept.length));
  });
});
