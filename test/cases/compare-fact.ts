import { isDeepStrictEqual } from 'node:util';
import type { ProxyResources } from '../support/compiled-mesh.ts';
import type { ResourceFact } from './read-cases.ts';
import { parsePath, valueAt } from './resource-path.ts';
import { withSecretsForFiles } from './tls-files.ts';

/** Returns how a resource differs from a fact, for people; null if it does not. */
export function factDifference(fact: ResourceFact, index: number, resources: ProxyResources): string | null {
  const { type, name, path, value, note } = fact;
  const steps = parsePath(path);
  const resource = withSecretsForFiles(resources[type].get(name));
  const came = valueAt(resource ?? null, steps);
  const last = steps.at(-1);
  const parent = valueAt(resource ?? null, steps.slice(0, -1));
  const isRetryOn = last?.type === 'field' && last.name === 'retryOn';
  const meaning = isRetryOn ? (one: unknown) => retryMeaning(one, parent) : meaningOf;
  if (isDeepStrictEqual(meaning(value), meaning(came))) return null;
  const others = [...resources[type].keys()];
  return [
    `expectConfig[${index}] ${type} ${name}${path === '' ? '' : `: ${path}`}${note === undefined ? '' : ` (${note})`}`,
    `  expected ${JSON.stringify(value)}`,
    `  came     ${resource === undefined ? `no such resource; there are ${others.join(', ')}` : JSON.stringify(came)}`,
  ].join('\n');
}

/** Returns a form that is equal for values of equal meaning: of durations and of fractions. */
function meaningOf(value: unknown): unknown {
  if (typeof value === 'string') return durationOf(value) ?? value;
  if (Array.isArray(value)) return value.map(meaningOf);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  if (isFraction(entries)) return { share: shareOf(value) };
  return Object.fromEntries(entries.map(([key, one]) => [key, meaningOf(one)]));
}

/** `1.500s` is `1.5s`. */
const durationOf = (text: string): string | null =>
  /^-?\d+(\.\d+)?s$/.test(text) ? `${Number.parseFloat(text)}s` : null;

const isFraction = (entries: readonly (readonly [string, unknown])[]): boolean =>
  entries.length > 0 && entries.every(([key]) => key === 'numerator' || key === 'denominator');

const denominators: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

function shareOf(fraction: { readonly numerator?: unknown; readonly denominator?: unknown }): number {
  return Number(fraction.numerator ?? 0) / (denominators[String(fraction.denominator ?? 'HUNDRED')] ?? 0);
}

/** Conditions have no order. Without a list of codes, `retriable-status-codes` has no effect. */
function retryMeaning(value: unknown, policy: unknown): unknown {
  if (typeof value !== 'string') return value;
  const hasCodes = valueAt(policy, parsePath('retriableStatusCodes')) !== null;
  const conditions = value.split(',').filter((one) => hasCodes || one !== 'retriable-status-codes');
  return [...new Set(conditions)].sort();
}
