import type { Bar, ReportRow } from '../report/row.ts';
import type { ServerName } from '../servers/contract.ts';
import type { ChangeFigures, Scenario, ServingFigures } from './scenario.ts';

export interface ServingOutcome {
  readonly scenario: Scenario;
  readonly figures: Readonly<Record<ServerName, ServingFigures>>;
}

interface Measure {
  readonly title: string;
  readonly of: (figures: ServingFigures) => number | null;
  readonly bar?: BarOf | undefined;
  /** Whether the bare server's figure shows the share of Node's HTTP/2. */
  readonly hasFloor?: boolean;
}

type BarOf = (scenario: Scenario) => Bar | undefined;

/** Minimum number of streams for the bars. With fewer, the fixed cost of a change outweighs the cost per stream. */
const barStreams = 500;
const manyStreams = 1_000;

const fromBarStreams = (bar: (scenario: Scenario) => Bar) => (scenario: Scenario) =>
  scenario.streams >= barStreams ? bar(scenario) : undefined;

const measures: readonly Measure[] = [
  { title: 'first client, CPU ms', of: (figures) => figures.firstClientCpuMs },
  {
    title: 'storm, CPU ms/stream',
    of: (figures) => figures.stormCpuMsPerStream,
    hasFloor: true,
    bar: fromBarStreams(() => ({ max: 2, maxRatio: 0.5 })),
  },
  { title: 'storm, KB/stream', of: (figures) => figures.stormBytesPerStream / 1e3 },
  { title: 'storm, last client ms', of: (figures) => figures.stormMs, hasFloor: true },
  {
    title: 'first endpoint changes, CPU µs/stream',
    of: (figures) => figures.firstEndpointCpuUsPerStream,
    hasFloor: true,
  },
  ...changeMeasures('endpoint change', (figures) => figures.endpoint, {
    cpu: fromBarStreams(({ mode }) => ({ max: mode === 'delta' ? 35 : 110 })),
    bytes: () => ({ max: 2_000 }),
    last: ({ streams }) => (streams >= manyStreams ? { maxRatio: 0.15 } : undefined),
  }),
  ...changeMeasures('route change', (figures) => figures.route, {
    cpu: fromBarStreams(() => ({ max: 250, maxRatio: 1 })),
  }),
  {
    title: 'peak memory, MB',
    of: (figures) => figures.peakBytes / 1e6,
    hasFloor: true,
    bar: fromBarStreams(({ streams }) => ({ ...(streams === barStreams ? { max: 250 } : {}), maxRatio: 0.5 })),
  },
  { title: 'event loop in the storm, ms', of: (figures) => figures.stormEventLoopMs, bar: () => ({ max: 250 }) },
  { title: 'event loop otherwise, ms', of: (figures) => figures.eventLoopMs, bar: () => ({ max: 30 }) },
  { title: 'waited for a processor, ms', of: (figures) => figures.waitedMs },
];

function changeMeasures(
  name: string,
  figuresOf: (figures: ServingFigures) => ChangeFigures | null,
  bars: { readonly cpu?: BarOf; readonly bytes?: BarOf; readonly last?: BarOf },
): readonly Measure[] {
  const measure = (title: string, of: (figures: ChangeFigures) => number, rest: Partial<Measure> = {}): Measure => ({
    title: `${name}, ${title}`,
    of(figures) {
      const change = figuresOf(figures);
      return change === null ? null : of(change);
    },
    ...rest,
  });
  return [
    measure('CPU µs/stream', (change) => change.cpuUsPerStream, { hasFloor: true, bar: bars.cpu }),
    measure('bytes/stream', (change) => change.bytesPerStream, { hasFloor: true, bar: bars.bytes }),
    measure('last client p50 ms', (change) => change.lastP50Ms, { hasFloor: true, bar: bars.last }),
    measure('last client p99 ms', (change) => change.lastP99Ms, { hasFloor: true }),
    measure('last client p50, times one alone', (change) => change.lastP50Ms / change.aloneP50Ms),
  ];
}

/** Rows for each measure of a scenario, with the bars that apply. */
export function servingRows({
  scenario,
  figures: { binnacle, bare, linear, snapshot },
}: ServingOutcome): readonly ReportRow[] {
  return measures.map(({ title, of, bar, hasFloor = false }) => {
    const limit = bar?.(scenario);
    return {
      scenario: `${scenario.mode} ${scenario.streams}`,
      measure: title,
      binnacle: of(binnacle),
      ...(hasFloor ? { bare: of(bare) } : {}),
      linear: of(linear),
      snapshot: of(snapshot),
      ...(limit === undefined ? {} : { bar: limit }),
    };
  });
}

/** Maximum cost of an endpoint change in the biggest mesh, relative to the smallest. */
const flatness = 1.5;

/** Rows for equal streams and changes in meshes of growing size. */
export function flatRows(
  runs: readonly { readonly services: number; readonly figures: ServingFigures }[],
): readonly ReportRow[] {
  const rows = runs.map(
    ({ services, figures }): ReportRow => ({
      scenario: `${services} services`,
      measure: 'endpoint change, CPU µs/stream',
      binnacle: figures.endpoint.cpuUsPerStream,
    }),
  );
  const costs = rows.map(({ binnacle }) => binnacle ?? Number.NaN);
  return [
    ...rows,
    {
      scenario: `${runs[0]?.services} to ${runs.at(-1)?.services}`,
      measure: 'dearest by cheapest',
      binnacle: Math.max(...costs) / Math.min(...costs),
      bar: { max: flatness },
    },
  ];
}
