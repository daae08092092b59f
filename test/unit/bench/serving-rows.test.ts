import { expect, it } from 'vitest';
import { verdictOf } from '../../bench/report/row.ts';
import { flatRows, servingRows } from '../../bench/serving/rows.ts';
import type { ChangeFigures, ServingFigures } from '../../bench/serving/scenario.ts';

const change: ChangeFigures = {
  cpuUsPerStream: 1_000,
  bytesPerStream: 500,
  lastP50Ms: 60,
  lastP99Ms: 80,
  aloneP50Ms: 3,
};

const peer: ServingFigures = {
  firstClientCpuMs: 5,
  stormCpuMsPerStream: 4,
  stormBytesPerStream: 1e6,
  stormMs: 300,
  firstEndpointCpuUsPerStream: 1_100,
  endpoint: change,
  route: { ...change, cpuUsPerStream: 260 },
  peakBytes: 600e6,
  stormEventLoopMs: null,
  eventLoopMs: null,
  waitedMs: null,
};

const verdicts = (streams: number, mode: 'delta' | 'sotw', ours: Partial<ServingFigures>) => {
  const scenario = { mode, streams, endpointChanges: 20, routeChanges: 20 };
  const figures = { binnacle: { ...peer, ...ours }, bare: peer, linear: peer, snapshot: peer };
  const rows = servingRows({ scenario, figures });
  return Object.fromEntries(rows.map((row) => [row.measure, verdictOf(row)]));
};

it('judges CPU and memory from 500 streams on', () => {
  const ours = {
    stormCpuMsPerStream: 2.1,
    endpoint: { ...change, cpuUsPerStream: 100 },
    route: { ...change, cpuUsPerStream: 249 },
    peakBytes: 240e6,
  };

  expect(verdicts(500, 'delta', ours)).toMatchObject({
    'storm, CPU ms/stream': 'MISS',
    'endpoint change, CPU µs/stream': 'MISS',
    'route change, CPU µs/stream': 'pass',
    'peak memory, MB': 'pass',
  });
  expect(verdicts(500, 'sotw', ours)).toMatchObject({ 'endpoint change, CPU µs/stream': 'pass' });
  expect(verdicts(100, 'delta', ours)).toMatchObject({
    'storm, CPU ms/stream': '',
    'endpoint change, CPU µs/stream': '',
    'route change, CPU µs/stream': '',
    'peak memory, MB': '',
  });
});

it('requires 250 MB for 500 streams, and half of the linear cache for more', () => {
  expect(verdicts(500, 'delta', { peakBytes: 260e6 })).toMatchObject({ 'peak memory, MB': 'MISS' });
  expect(verdicts(1_000, 'delta', { peakBytes: 260e6 })).toMatchObject({ 'peak memory, MB': 'pass' });
  expect(verdicts(1_000, 'delta', { peakBytes: 310e6 })).toMatchObject({ 'peak memory, MB': 'MISS' });
});

it('requires a route change to cost less than with the linear cache, by any amount', () => {
  const dearer = { route: { ...change, cpuUsPerStream: 245 } };
  const scenario = { mode: 'delta', streams: 500, endpointChanges: 20, routeChanges: 20 } as const;
  const cheapPeer = { ...peer, route: { ...change, cpuUsPerStream: 200 } };
  const rows = servingRows({
    scenario,
    figures: { binnacle: { ...peer, ...dearer }, bare: peer, linear: cheapPeer, snapshot: cheapPeer },
  });

  expect(rows.filter((row) => verdictOf(row) === 'MISS').map(({ measure }) => measure)).toContain(
    'route change, CPU µs/stream',
  );
});

it('compares the last of a thousand clients with the last of the linear cache', () => {
  const measure = 'endpoint change, last client p50 ms';
  const within = { endpoint: { ...change, lastP50Ms: 9 } };

  expect(verdicts(1_000, 'delta', within)[measure]).toBe('pass');
  expect(verdicts(1_000, 'delta', { endpoint: { ...change, lastP50Ms: 9.1 } })[measure]).toBe('MISS');
  expect(verdicts(500, 'delta', { endpoint: { ...change, lastP50Ms: 60 } })[measure]).toBe('');
});

it('judges bytes and the event loop with any number of streams', () => {
  const ours = { endpoint: { ...change, bytesPerStream: 2_001 }, stormEventLoopMs: 249, eventLoopMs: 31 };

  expect(verdicts(100, 'delta', ours)).toMatchObject({
    'endpoint change, bytes/stream': 'MISS',
    'event loop in the storm, ms': 'pass',
    'event loop otherwise, ms': 'MISS',
  });
  expect(verdicts(100, 'delta', {})).toMatchObject({ 'event loop in the storm, ms': 'unknown' });
});

it("shows the wait of the last client as a multiple of a single client's", () => {
  const scenario = { mode: 'delta', streams: 100, endpointChanges: 20, routeChanges: 0 } as const;
  const ours = { ...peer, route: null };
  const rows = servingRows({ scenario, figures: { binnacle: ours, bare: ours, linear: ours, snapshot: ours } });
  const figure = (measure: string) => rows.find((row) => row.measure === measure)?.binnacle;

  expect(figure('endpoint change, last client p50, times one alone')).toBe(20);
  expect(figure('route change, last client p50, times one alone')).toBeNull();
});

it('shows the cost of the bare server beside that of streams, without a verdict', () => {
  const scenario = { mode: 'delta', streams: 1_000, endpointChanges: 20, routeChanges: 20 } as const;
  const nothing = { ...change, cpuUsPerStream: 1, bytesPerStream: 490, lastP50Ms: 1, lastP99Ms: 2 };
  const bare = { ...peer, stormCpuMsPerStream: 0.5, stormMs: 90, endpoint: nothing, route: nothing, peakBytes: 50e6 };
  const ours = {
    ...peer,
    stormCpuMsPerStream: 1,
    endpoint: { ...change, cpuUsPerStream: 30, lastP50Ms: 5 },
    route: { ...change, cpuUsPerStream: 200 },
    peakBytes: 240e6,
    stormEventLoopMs: 1,
    eventLoopMs: 1,
  };
  const rows = servingRows({ scenario, figures: { binnacle: ours, bare, linear: peer, snapshot: peer } });

  expect(rows.flatMap((row) => (row.bare === undefined ? [] : [`${row.measure}: ${row.bare}`]))).toEqual([
    'storm, CPU ms/stream: 0.5',
    'storm, last client ms: 90',
    'first endpoint changes, CPU µs/stream: 1100',
    'endpoint change, CPU µs/stream: 1',
    'endpoint change, bytes/stream: 490',
    'endpoint change, last client p50 ms: 1',
    'endpoint change, last client p99 ms: 2',
    'route change, CPU µs/stream: 1',
    'route change, bytes/stream: 490',
    'route change, last client p50 ms: 1',
    'route change, last client p99 ms: 2',
    'peak memory, MB: 50',
  ]);
  expect(new Set(rows.map(verdictOf))).toEqual(new Set(['', 'pass']));
});

it('detects a mesh with more expensive changes', () => {
  const run = (services: number, cpuUsPerStream: number) => ({
    services,
    figures: { ...peer, endpoint: { ...change, cpuUsPerStream } },
  });
  const last = (...runs: ReturnType<typeof run>[]) => flatRows(runs).at(-1);

  const flat = last(run(100, 24), run(1_000, 20), run(10_000, 30));
  expect(flat).toMatchObject({ scenario: '100 to 10000', binnacle: 1.5 });
  expect(flat && verdictOf(flat)).toBe('pass');
  const steep = last(run(100, 20), run(1_000, 31), run(10_000, 25));
  expect(steep && verdictOf(steep)).toBe('MISS');
});
