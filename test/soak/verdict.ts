import { averagedMedian, type RestFigures } from './program/figures.ts';

/** Differences to the baseline that do not count as growth. */
export const tolerances = {
  /** For the same reason as the plan's heap tolerance. */
  externalBytes: 4_000_000,
  /** C allocators keep freed memory: only a multiple is significant. */
  residentShare: 0.5,
  residentBytes: 50_000_000,
  descriptors: 2,
  /** Living objects. Later requests release those of the last ones. */
  sockets: 4,
  /** Timers and disk requests come and go; sockets do not. */
  passingHandles: 3,
};

export interface Measured {
  /** After the first round. */
  readonly baseline: RestFigures;
  /** After each later round. */
  readonly rounds: readonly RestFigures[];
  /** Before the first round and at the end; see `countLiving`. */
  readonly livingBefore: Readonly<Record<string, number>>;
  readonly living: Readonly<Record<string, number>>;
}

/** Describes what the load left behind; empty for nothing. */
export function leftovers(
  { baseline, rounds, livingBefore, living }: Measured,
  heapTolerance: number,
): readonly string[] {
  return [
    ...more('living objects of', livingBefore, living, (name) => (name === 'Socket' ? tolerances.sockets : 0)),
    ...rounds.flatMap((round, index) => counted(baseline, round).map((text) => `round ${index + 1}: ${text}`)),
    ...grown(baseline, rounds, heapTolerance),
  ];
}

/** Compares counters, which must equal the baseline after each round. */
function counted(baseline: RestFigures, round: RestFigures): readonly string[] {
  const { descriptors, passingHandles } = tolerances;
  return [
    ...Object.entries(round.metrics).flatMap(([name, value]) => (value === 0 ? [] : [`${name} is ${value}, not 0`])),
    ...more('handles of', baseline.handles, round.handles, (name) => (isPassing(name) ? passingHandles : 0)),
    ...(round.descriptors > baseline.descriptors + descriptors
      ? [`file descriptors: ${round.descriptors}, ${baseline.descriptors} at the baseline`]
      : []),
  ];
}

const isPassing = (handle: string) => handle === 'Timeout' || handle === 'Immediate' || handle.includes('FSReq');

function more(
  what: string,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  allowed: (name: string) => number,
): readonly string[] {
  return Object.entries(after).flatMap(([name, value]) => {
    const was = before[name] ?? 0;
    return value > was + allowed(name) ? [`${what} ${name}: ${value}, ${was} before`] : [];
  });
}

/** Judges memory over all rounds: a single round may be high by chance, but growth continues. */
function grown(baseline: RestFigures, rounds: readonly RestFigures[], heapAllowed: number): readonly string[] {
  const last = rounds.at(-1);
  if (last === undefined) return ['there was no round'];
  const half = Math.ceil(rounds.length / 2);
  const [earlier, later] = [rounds.slice(0, half), rounds.slice(-half)];
  const residentAllowed = Math.max(tolerances.residentBytes, tolerances.residentShare * baseline.resident);
  const middle = (of: readonly RestFigures[], name: 'heap' | 'external' | 'resident') =>
    averagedMedian(of.map((figures) => figures[name]));
  return [
    ...above('heap, later rounds against the baseline', middle(later, 'heap'), baseline.heap, heapAllowed),
    ...above('heap, later rounds against earlier ones', middle(later, 'heap'), middle(earlier, 'heap'), heapAllowed),
    ...above('memory outside the heap', middle(later, 'external'), baseline.external, tolerances.externalBytes),
    ...above('resident memory', middle(later, 'resident'), baseline.resident, residentAllowed),
  ];
}

const above = (what: string, now: number, before: number, allowed: number): readonly string[] =>
  now <= before + allowed
    ? []
    : [`${what}: ${megabytes(now)}, ${megabytes(before)} before; ${megabytes(allowed)} more are allowed`];

/** Formats one row for the baseline and each round. */
export function figuresTable({ baseline, rounds, living }: Measured): string {
  const row = (name: string, { heap, external, resident, handles, descriptors }: RestFigures) => {
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
    const memory = [heap, external, resident].map(megabytes);
    return `| ${[name, ...memory, sum(handles), descriptors].join(' | ')} |`;
  };
  return [
    '| at rest after | heap | outside | resident | handles | descriptors |',
    '| --- | --- | --- | --- | --- | --- |',
    row('warming up', baseline),
    ...rounds.map((figures, index) => row(`round ${index + 1}`, figures)),
    '',
    `living at the end: ${Object.entries(living)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  ].join('\n');
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
