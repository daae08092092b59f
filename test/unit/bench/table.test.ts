import { expect, it } from 'vitest';
import type { Figures } from '../../bench/scenario.ts';
import { tableOf } from '../../bench/table.ts';

const figures: Figures = {
  firstClientCpuMs: 5,
  stormCpuMsPerStream: 4,
  stormMs: 300,
  endpointCpuUsPerStream: 1000,
  endpointBytesPerStream: 500,
  endpointLastMs: 60,
  routeCpuUsPerStream: 200,
  routeLastMs: 20,
  peakBytes: 200e6,
  stormEventLoopMs: null,
  eventLoopMs: null,
};

const verdicts = (streams: number, mode: 'delta' | 'sotw', ours: Partial<Figures>) =>
  Object.fromEntries(
    tableOf([{ scenario: { mode, streams, changes: 20 }, binnacle: { ...figures, ...ours }, linear: figures }])
      .split('\n')
      .slice(2)
      .map((row) => row.split('|').map((cell) => cell.trim()))
      .map((cells) => [cells[2], cells[7]]),
  );

it('judges CPU and memory by their ratio to the linear cache, from 500 streams on', () => {
  const ours = { stormCpuMsPerStream: 2.4, endpointCpuUsPerStream: 150, peakBytes: 121e6 };

  expect(verdicts(500, 'delta', ours)).toMatchObject({
    'storm, CPU ms/stream': 'pass',
    'endpoint change, CPU µs/stream': 'MISS',
    'peak memory, MB': 'MISS',
  });
  expect(verdicts(500, 'sotw', ours)).toMatchObject({ 'endpoint change, CPU µs/stream': 'pass' });
  expect(verdicts(100, 'delta', ours)).toMatchObject({ 'endpoint change, CPU µs/stream': '' });
});

it('judges bytes and the event loop by themselves, with any number of streams', () => {
  const ours = { endpointBytesPerStream: 2_001, stormEventLoopMs: 249, eventLoopMs: 31 };

  expect(verdicts(100, 'delta', ours)).toMatchObject({
    'endpoint change, bytes/stream': 'MISS',
    'event loop in the storm, ms': 'pass',
    'event loop otherwise, ms': 'MISS',
  });
});

it('calls a figure that was not to be had unknown, never a pass', () => {
  expect(verdicts(100, 'delta', {})).toMatchObject({ 'event loop in the storm, ms': 'unknown' });
});
