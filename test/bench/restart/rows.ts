import { median } from '../report/quantile.ts';
import type { Bar, ReportRow } from '../report/row.ts';
import type { LifeFigures } from './life.ts';

/** Rounds of one way to start: with a single client, and with all streams at once. */
export interface Lives {
  readonly alone: readonly LifeFigures[];
  readonly storms: readonly LifeFigures[];
}

/** Minimum number of streams for the bar. With fewer, the fixed cost of the storm outweighs the cost per stream. */
const barStreams = 500;
const firstClientBar: Bar = { max: 400 };
const stormBar: Bar = { max: 2.5 };

/** Rows for each measure: medians of the rounds. */
export function restartRows(scenario: string, streams: number, binnacle: Lives, linear: Lives): readonly ReportRow[] {
  const row = (measure: string, of: (lives: Lives) => number | null, bar?: Bar): ReportRow => ({
    scenario,
    measure,
    binnacle: of(binnacle),
    linear: of(linear),
    ...(bar === undefined ? {} : { bar }),
  });
  const own = (measure: string, of: (lives: Lives) => number | null): ReportRow => ({
    scenario,
    measure,
    binnacle: of(binnacle),
  });
  return [
    row('start until ready, CPU ms', ({ alone, storms }) => middle([...alone, ...storms], 'readyCpuMs')),
    row('start until ready, ms', ({ alone, storms }) => middle([...alone, ...storms], 'readyMs')),
    row('first client, CPU ms', ({ alone }) => middle(alone, 'servedCpuMs'), firstClientBar),
    row('first client, ms', ({ alone }) => middle(alone, 'servedMs')),
    row(
      'storm, CPU ms/stream',
      ({ storms }) => perStream(middle(storms, 'servedCpuMs'), streams),
      streams >= barStreams ? stormBar : undefined,
    ),
    row('storm, last client ms', ({ storms }) => middle(storms, 'servedMs')),
    row('storm, streams opened again', ({ storms }) => middle(storms, 'retries')),
    own('event loop in the storm, ms', ({ storms }) => middle(storms, 'eventLoopMs')),
    row('peak memory, MB', ({ storms }) => perStream(middle(storms, 'peakBytes'), 1e6)),
  ];
}

/** Returns the median, or null when a round lacks the figure. */
function middle(lives: readonly LifeFigures[], key: keyof LifeFigures): number | null {
  const values = lives.flatMap((life) => life[key] ?? []);
  return values.length < lives.length || values.length === 0 ? null : median(values);
}

const perStream = (value: number | null, streams: number): number | null => (value === null ? null : value / streams);
