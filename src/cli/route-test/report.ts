import type { Answer, SimulatedCall } from '../../simulator/call.ts';
import { plainText, tableText } from '../rules/output.ts';

/** Rules and services from which the parts of an answer come; empty where they are unknown. */
export interface AnswerOrigins {
  readonly listener: readonly string[];
  readonly virtualHost: readonly string[];
  /** By the name of the cluster. */
  readonly clusters: ReadonlyMap<string, readonly string[]>;
}

/** Formats an answer as a table: one step per line, with the rules and services that it comes from. */
export function reportText(answer: Answer, origins: AnswerOrigins): string {
  const { listener, chain, routeConfiguration, virtualHost, route, routeIndex } = answer;
  const steps: readonly (readonly [string, string | null, readonly string[]])[] = [
    ['listener', listener, origins.listener],
    ['filter chain', chain, []],
    ['route configuration', routeConfiguration, []],
    ['virtual host', virtualHost, origins.virtualHost],
    ['route', routeIndex === null ? null : `${route || '(unnamed)'} (number ${routeIndex + 1})`, []],
  ];
  const way = steps.flatMap(([step, name, from]) => (name === null ? [] : [[step, name || '(unnamed)', line(from)]]));
  const rows = [['STEP', 'NAME', 'FROM'], ...way, ...outcomeRows(answer, origins)];
  return tableText(rows.map((row) => row.map(plainText)));
}

/** Returns an answer for programs. */
export function reportJson(call: SimulatedCall, answer: Answer, origins: AnswerOrigins): object {
  const { outcome, ...way } = answer;
  const result =
    outcome.type === 'forward'
      ? {
          ...outcome,
          clusters: outcome.clusters.map((one) => ({ ...one, from: origins.clusters.get(one.name) ?? [] })),
        }
      : outcome;
  return {
    call: { ...call, headers: Object.fromEntries(call.headers) },
    ...way,
    from: { listener: origins.listener, virtualHost: origins.virtualHost },
    outcome: result,
  };
}

function outcomeRows({ outcome }: Answer, { clusters }: AnswerOrigins): readonly (readonly string[])[] {
  switch (outcome.type) {
    case 'error':
      return [['error', `${outcome.error}: ${outcome.reason}`, '']];
    case 'redirect':
      return [['redirect', `${outcome.status} ${outcome.location}`, '']];
    case 'respond':
      return [['response', String(outcome.status), '']];
    default: {
      const sum = outcome.clusters.reduce((total, { weight }) => total + weight, 0);
      return outcome.clusters.map(({ name, weight, exists }) => {
        const share = outcome.clusters.length === 1 ? '' : ` (${percent(weight, sum)})`;
        return ['cluster', `${name}${share}${exists ? '' : ' (does not exist)'}`, line(clusters.get(name) ?? [])];
      });
    }
  }
}

const percent = (weight: number, sum: number): string =>
  sum === 0 ? 'weight 0' : `${Math.round((weight / sum) * 10_000) / 100} %`;

const line = (origins: readonly string[]): string => origins.join(', ');
