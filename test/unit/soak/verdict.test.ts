import { expect, it } from 'vitest';
import type { RestFigures } from '../../soak/program/figures.ts';
import { leftovers } from '../../soak/verdict.ts';

const heapTolerance = 3_000_000;
const rest = (changed: Partial<RestFigures> = {}): RestFigures => ({
  heap: 50_000_000,
  external: 4_000_000,
  resident: 150_000_000,
  handles: { TCPServerWrap: 2, Timeout: 1 },
  descriptors: 39,
  metrics: { binnacle_layers: 0 },
  ...changed,
});
const rounds = (...changed: readonly Partial<RestFigures>[]) => changed.map(rest);
const heaps = (...megabytes: readonly number[]) => rounds(...megabytes.map((heap) => ({ heap: heap * 1e6 })));
const living = { Client: 0, Socket: 5 };

for (const { name, measured, want } of [
  { name: 'the same again', measured: { rounds: rounds({}, {}) }, want: [] },
  { name: 'no round', measured: { rounds: [] }, want: ['there was no round'] },
  {
    name: 'a layer',
    measured: { rounds: rounds({}, { metrics: { binnacle_layers: 1 } }) },
    want: ['round 2: binnacle_layers is 1, not 0'],
  },
  {
    name: 'a client that only memory knows',
    measured: { rounds: rounds({}), living: { ...living, Client: 1 } },
    want: ['living objects of Client: 1, 0 before'],
  },
  {
    name: 'sockets of the last requests',
    measured: { rounds: rounds({}), living: { ...living, Socket: 8 } },
    want: [],
  },
  {
    name: 'a socket',
    measured: { rounds: rounds({ handles: { TCPServerWrap: 2, TCPSocketWrap: 1 } }) },
    want: ['round 1: handles of TCPSocketWrap: 1, 0 before'],
  },
  {
    name: 'timers in passing, and too many of them',
    measured: { rounds: rounds({ handles: { Timeout: 4 } }, { handles: { Timeout: 5 } }) },
    want: ['round 2: handles of Timeout: 5, 1 before'],
  },
  {
    name: 'file descriptors',
    measured: { rounds: rounds({ descriptors: 42 }) },
    want: ['round 1: file descriptors: 42, 39 at the baseline'],
  },
  { name: 'one round with more heap', measured: { rounds: heaps(50, 60, 50, 50, 50) }, want: [] },
  {
    name: 'a heap that grows',
    measured: { rounds: heaps(51, 52, 53, 54, 55, 56) },
    want: ['heap, later rounds against the baseline: 55.0 MB, 50.0 MB before; 3.0 MB more are allowed'],
  },
  {
    name: 'resident memory that doubles',
    measured: { rounds: rounds({ resident: 300_000_000 }) },
    want: ['resident memory: 300.0 MB, 150.0 MB before; 75.0 MB more are allowed'],
  },
]) {
  it(`${name}: ${want.length === 0 ? 'passes' : 'is reported'}`, () => {
    const all = { baseline: rest(), livingBefore: living, living, ...measured };
    expect(leftovers(all, heapTolerance)).toEqual(want);
  });
}
