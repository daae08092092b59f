import type { Figures, Scenario } from './scenario.ts';

export interface Outcome {
  readonly scenario: Scenario;
  readonly binnacle: Figures;
  readonly linear: Figures;
}

interface Measure {
  readonly title: string;
  readonly of: (figures: Figures) => number | null;
  /** Binnacle at most this times the linear cache; judged with `ratioBarStreams` streams and more. */
  readonly maxRatio?: (scenario: Scenario) => number;
  /** Binnacle at most this, in the measure's own unit. */
  readonly max?: number;
}

/** With few streams the fixed cost of a change, which is not the matter of these bars, outweighs the cost per stream. */
const ratioBarStreams = 500;

const measures: readonly Measure[] = [
  { title: 'first client, CPU ms', of: (figures) => figures.firstClientCpuMs },
  { title: 'storm, CPU ms/stream', of: (figures) => figures.stormCpuMsPerStream, maxRatio: () => 0.6 },
  { title: 'storm, last stream ms', of: (figures) => figures.stormMs },
  {
    title: 'endpoint change, CPU µs/stream',
    of: (figures) => figures.endpointCpuUsPerStream,
    maxRatio: ({ mode }) => (mode === 'delta' ? 0.1 : 0.2),
  },
  { title: 'endpoint change, bytes/stream', of: (figures) => figures.endpointBytesPerStream, max: 2_000 },
  { title: 'endpoint change, last stream ms', of: (figures) => figures.endpointLastMs },
  { title: 'route change, CPU µs/stream', of: (figures) => figures.routeCpuUsPerStream },
  { title: 'route change, last stream ms', of: (figures) => figures.routeLastMs },
  { title: 'peak memory, MB', of: (figures) => figures.peakBytes / 1e6, maxRatio: () => 0.6 },
  { title: 'event loop in the storm, ms', of: (figures) => figures.stormEventLoopMs, max: 250 },
  { title: 'event loop otherwise, ms', of: (figures) => figures.eventLoopMs, max: 30 },
];

const header = ['scenario', 'measure', 'binnacle', 'linear', 'ratio', 'bar', 'verdict'];

/** The whole report as a Markdown table, one row per scenario and measure, aligned to be read as it is. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap((outcome) => measures.map((measure) => rowOf(outcome, measure)));
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i < 2 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

function rowOf({ scenario, binnacle, linear }: Outcome, measure: Measure): string[] {
  const ours = measure.of(binnacle);
  const theirs = measure.of(linear);
  const ratio = ours === null || theirs === null ? null : ours / theirs;
  const maxRatio = scenario.streams >= ratioBarStreams ? measure.maxRatio?.(scenario) : undefined;
  return [
    `${scenario.mode} ${scenario.streams}`,
    measure.title,
    numberText(ours),
    numberText(theirs),
    ratio === null ? '' : `${ratio.toFixed(3)}×`,
    maxRatio !== undefined ? `≤ ${maxRatio}×` : measure.max !== undefined ? `< ${measure.max}` : '',
    verdictOf(maxRatio !== undefined ? ratio : ours, maxRatio ?? measure.max),
  ];
}

function verdictOf(value: number | null, bar: number | undefined): string {
  if (bar === undefined) return '';
  if (value === null || Number.isNaN(value)) return 'unknown';
  return value <= bar ? 'pass' : 'MISS';
}

function numberText(value: number | null): string {
  if (value === null) return '';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
