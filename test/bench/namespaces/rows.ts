import { median } from '../report/quantile.ts';
import type { Bar, ReportRow } from '../report/row.ts';
import type { ServerName } from '../servers/contract.ts';
import type { ServedFigures, StepFigures } from './run.ts';

export const namespacedServers = ['binnacle', 'linear', 'snapshot'] as const satisfies readonly ServerName[];
export type NamespacedName = (typeof namespacedServers)[number];

/** Figures of one server by round: all clients in one namespace, and spread over many. */
export interface NamespacesFigures {
  readonly one: readonly ServedFigures[];
  readonly many: readonly ServedFigures[];
  readonly liveBytesOne: number;
  readonly liveBytesMany: number;
}

export interface NamespacesOutcome {
  readonly namespaces: number;
  readonly figures: Readonly<Record<NamespacedName, NamespacesFigures>>;
}

const timesBar: Bar = { max: 2 };
const scopeBar: Bar = { max: 0.5 };

/** Rows for one namespace, for many, and for their ratio. */
export function namespacesRows({ namespaces, figures }: NamespacesOutcome): readonly ReportRow[] {
  const row = (
    scenario: string,
    measure: string,
    { of, bar }: { of: (figures: NamespacesFigures) => number | null; bar?: Bar },
  ): ReportRow => ({
    scenario,
    measure,
    binnacle: of(figures.binnacle),
    linear: of(figures.linear),
    snapshot: of(figures.snapshot),
    ...(bar === undefined ? {} : { bar }),
  });
  const measured = (scenario: string, key: 'one' | 'many') => [
    row(scenario, 'everybody served, CPU ms', { of: (all) => middle(all[key], 'servedCpuMs') }),
    row(scenario, 'everybody served, last client ms', { of: (all) => middle(all[key], 'servedMs') }),
    row(scenario, 'rule change, CPU ms', { of: (all) => middle(all[key], 'ruleCpuMs') }),
    row(scenario, 'event loop until all are served, ms', { of: (all) => middle(all[key], 'servedEventLoopMs') }),
    row(scenario, 'event loop at rule changes, ms', { of: (all) => middle(all[key], 'ruleEventLoopMs') }),
    row(scenario, 'peak memory, MB', { of: (all) => divided(middle(all[key], 'peakBytes'), 1e6) }),
  ];
  const times = (key: keyof ServedFigures) => ({
    of: ({ one, many }: NamespacesFigures) => divided(middle(many, key), middle(one, key)),
    bar: timesBar,
  });
  const compared = `${namespaces} by 1`;
  return [
    ...measured('1 namespace', 'one'),
    ...measured(`${namespaces} namespaces`, 'many'),
    row(compared, 'everybody served, CPU, times', times('servedCpuMs')),
    row(compared, 'rule change, CPU, times', times('ruleCpuMs')),
    row(compared, 'memory per further scope, MB', {
      of: ({ liveBytesOne, liveBytesMany }) => (liveBytesMany - liveBytesOne) / (namespaces - 1) / 1e6,
      bar: scopeBar,
    }),
  ];
}

/** Rows for each measure of each step. */
export function stepRows(services: number, steps: readonly StepFigures[]): readonly ReportRow[] {
  return steps.flatMap(({ namespaces, cpuSeconds, servedMs, eventLoopMs, peakBytes }) => {
    const row = (measure: string, binnacle: number | null): ReportRow => ({
      scenario: `${services} services, clients in ${namespaces} namespaces`,
      measure,
      binnacle,
    });
    return [
      row('everybody served, CPU s', cpuSeconds),
      row('everybody served, last client ms', servedMs),
      row('event loop, ms', eventLoopMs),
      row('peak memory, MB', peakBytes / 1e6),
    ];
  });
}

/** Returns the median, or null when a round lacks the figure. */
function middle(rounds: readonly ServedFigures[], key: keyof ServedFigures): number | null {
  const values = rounds.flatMap((round) => round[key] ?? []);
  return values.length < rounds.length || values.length === 0 ? null : median(values);
}

const divided = (value: number | null, by: number | null): number | null =>
  value === null || by === null || by === 0 ? null : value / by;
