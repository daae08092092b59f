import { z } from 'zod';
import { re2Text } from './re2.ts';

/*
 * Field types that several networking kinds share, as the published API defines them (proto JSON: durations and
 * 64-bit numbers as text, enums by name). Nothing here has a default: what is left out is left out.
 */

/** `10s`, `1.5h`, `250ms`. */
export const duration = z.string().regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'a duration such as 10s or 250ms');

/** A duration where Envoy takes no 0, and Istio's own validation refuses one. */
export const positiveDuration = duration.refine((text) => durationMs(text) > 0, 'must be 1ms or more');

/** A port of TCP or UDP. */
export const portNumber = z.int().min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535');

/** Labels by name; a selector wants all of them. */
export const labels = z.record(z.string(), z.string());

/** How a text is matched: exactly one of the three. An empty object means "present". */
export const stringMatch = z
  .strictObject({
    exact: z.string().optional(),
    prefix: z.string().optional(),
    regex: re2Text.optional(),
  })
  .refine((match) => countSet(match) <= 1, 'only one of exact, prefix and regex may be set');

export type StringMatch = z.infer<typeof stringMatch>;

/** Namespaces that may use an object: `*`, `.`, `~` or names. */
export const exportTo = z.array(z.string().min(1));

/** A host as rules write it: a name, a short name, or a wildcard in the first label. */
export const host = z
  .string()
  .min(1)
  .regex(/^(\*|(\*\.)?[^*\s/]+)$/, 'a hostname; a wildcard may stand only as its whole first label');

/** How many fields of an object are set. */
export const countSet = (object: object): number => Object.values(object).filter((value) => value !== undefined).length;

/** Milliseconds of a validated duration. */
export function durationMs(text: string): number {
  const [, amount = '0', unit = 's'] = /^([\d.]+)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1000;
  return Math.round(Number(amount) * factor);
}

/** The fully qualified form of a host in a rule: a name without a dot is a service of the rule's own namespace. */
export function qualifiedHost(text: string, namespace: string, domainSuffix: string): string {
  const host = text.toLowerCase();
  return host.includes('.') || host.startsWith('*') ? host : `${host}.${namespace}.svc.${domainSuffix}`;
}

/**
 * The paths of `spec` that match one of `patterns` (`http[].fault`, `trafficPolicy.tls`), with their indices:
 * `spec.http[2].fault`. Kinds list with it what is valid but not compiled yet, so that nothing is ignored silently.
 */
export function presentPaths(spec: object, patterns: readonly string[]): readonly string[] {
  return patterns.flatMap((pattern) => presentAt(spec, pattern.split('.'), 'spec'));
}

function presentAt(value: unknown, [step, ...rest]: readonly string[], path: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (step === undefined) return [path];
  if (step.endsWith('[]')) {
    const list = field(value, step.slice(0, -2));
    if (!Array.isArray(list)) return [];
    return list.flatMap((item, index) => presentAt(item, rest, `${path}.${step.slice(0, -2)}[${index}]`));
  }
  return presentAt(field(value, step), rest, `${path}.${step}`);
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
