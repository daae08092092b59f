import { expect, it } from 'vitest';
import { verdictOf } from '../../bench/report/row.ts';
import type { LifeFigures } from '../../bench/restart/life.ts';
import { restartRows } from '../../bench/restart/rows.ts';

const life: LifeFigures = {
  readyMs: 900,
  readyCpuMs: 1_000,
  servedCpuMs: 400,
  servedMs: 500,
  retries: 0,
  eventLoopMs: 30,
  peakBytes: 200e6,
};
const linear = { alone: [life], storms: [{ ...life, servedCpuMs: 2_000, eventLoopMs: null }] };

const rowsOf = (streams: number, alone: readonly number[], storms: readonly number[]) => {
  const lives = (values: readonly number[]) => values.map((servedCpuMs) => ({ ...life, servedCpuMs }));
  const rows = restartRows('files', streams, { alone: lives(alone), storms: lives(storms) }, linear);
  return Object.fromEntries(rows.map((row) => [row.measure, row]));
};

it('shows the median of the rounds, and the storm by the stream', () => {
  const rows = rowsOf(500, [300, 900, 400], [1_000, 1_250, 9_000]);

  expect(rows['first client, CPU ms']).toMatchObject({ scenario: 'files', binnacle: 400, linear: 400 });
  expect(rows['storm, CPU ms/stream']).toMatchObject({ binnacle: 2.5, linear: 4 });
  expect(rows['peak memory, MB']).toMatchObject({ binnacle: 200 });
});

for (const { name, streams, alone, storm, want } of [
  { name: 'both just within', streams: 500, alone: 400, storm: 1_250, want: ['pass', 'pass'] },
  { name: 'both over it', streams: 500, alone: 401, storm: 1_251, want: ['MISS', 'MISS'] },
  { name: 'few streams', streams: 100, alone: 401, storm: 900, want: ['MISS', ''] },
]) {
  it(`judges the first client and the storm: ${name}`, () => {
    const rows = rowsOf(streams, [alone], [storm]);
    const verdicts = ['first client, CPU ms', 'storm, CPU ms/stream'].map((measure) => {
      const row = rows[measure];
      return row === undefined ? null : verdictOf(row);
    });
    expect(verdicts).toEqual(want);
  });
}

it('has no figure of the event loop when a round lacks it', () => {
  const lives = { alone: [life], storms: [life, { ...life, eventLoopMs: null }] };

  const row = restartRows('files', 500, lives, linear).find(({ measure }) => measure.startsWith('event loop'));

  expect(row?.binnacle).toBeNull();
});
