import { z } from 'zod';
import { err, ok, type Result } from '../../lib/result.ts';
import { parseThen, parseWhen, splitCondition } from './condition-text.ts';
import { firstIssue, scalar } from './match-schema.ts';
import { everyService } from './provider-condition.ts';
import { parseServiceKey } from './rule-name.ts';
import {
  type ConditionCase,
  type ConditionRule,
  emptyDocument,
  faultyDocument,
  type RuleDocument,
  type RuleScope,
} from './rules.ts';

const schema = z.object({
  configVersion: scalar.nullish(),
  scope: z.enum(['service', 'application']).nullish(),
  enabled: z.boolean().nullish(),
  force: z.boolean().nullish(),
  priority: z.number().int().nullish(),
  conditions: z.array(z.unknown()).nullish(),
});

const destinations = z.object({
  from: z.object({ match: scalar.nullish() }).nullish(),
  to: z
    .array(z.object({ match: scalar.nullish(), weight: z.coerce.number().int().min(0).max(1_000_000).default(100) }))
    .nullish(),
  priority: z.number().int().default(0),
  trafficDisable: z.boolean().default(false),
  force: z.boolean().nullish(),
  ratio: z.number().default(0),
});

/** Levels of condition rules, in the order in which Dubbo applies them. */
const conditionLevels = { service: 0, application: 1, url: 2 } as const;

/** Reads `<service>.condition-router` or `<application>.condition-router`. `key` is that of its name. */
export function readConditionRouter(value: unknown, key: string): RuleDocument {
  const document = schema.safeParse(value);
  if (!document.success) return faultyDocument(firstIssue(document.error));
  const { configVersion, enabled, conditions, priority, force } = document.data;
  if (enabled === false) return emptyDocument;
  const version = (configVersion ?? '').toLowerCase();
  if (version > 'v3.1' && !version.startsWith('v3.1'))
    return faultyDocument(`configVersion ${configVersion} is newer than v3.1`);
  const level = document.data.scope ?? (key.includes(':') || key.includes('*') ? 'service' : 'application');
  const isForced = force ?? false;
  const { cases, faults } = version.startsWith('v3.1')
    ? readDestinations(conditions ?? [], isForced)
    : readTexts(conditions ?? [], isForced);
  const rank = [conditionLevels[level], priority ?? 0] as const;
  const rules = cases.map((ones) => ({ scope: scopeOf(level, key), cases: ones, rank }));
  return {
    ...emptyDocument,
    conditions: level === 'service' ? rules : rules.flatMap((rule) => bothSides(rule, key)),
    faults,
  };
}

const scopeOf = (level: 'service' | 'application', key: string): RuleScope =>
  level === 'service'
    ? { services: parseServiceKey(key), application: null }
    : { services: everyService, application: key };

/** A rule of an application is for calls to its services, and for its own calls to all services. */
const bothSides = (rule: ConditionRule, application: string): readonly ConditionRule[] => [
  rule,
  {
    ...rule,
    scope: { services: everyService, application: null },
    cases: rule.cases.map((one) => ({ ...one, when: one.when.map((match) => [...match, callerIs(application)]) })),
  },
];

const callerIs = (value: string) =>
  ({ on: 'caller', key: 'application', pattern: { type: 'exact', value }, isNegated: false }) as const;

interface ReadCases {
  /** Cases of rules that apply one after the other. */
  readonly cases: readonly (readonly ConditionCase[])[];
  readonly faults: readonly string[];
}

/** Reads conditions in the form of text: each is a rule of its own. */
function readTexts(conditions: readonly unknown[], isForced: boolean): ReadCases {
  const cases: ConditionCase[][] = [];
  const faults: string[] = [];
  for (const [index, text] of conditions.entries()) {
    const one = typeof text === 'string' ? readConditionText(text, isForced) : err('it is no text');
    if (one.ok) cases.push([one.value]);
    else faults.push(`conditions[${index}]: ${one.error}`);
  }
  return { cases, faults };
}

/** Reads `when => then`. */
export function readConditionText(text: string, isForced: boolean): Result<ConditionCase, string> {
  const { left, right } = splitCondition(text);
  const when = parseWhen(left);
  if (!when.ok) return when;
  const then = parseThen(right);
  if (!then.ok) return then;
  return ok({ when: when.value, to: then.value === null ? [] : [{ weight: 1, conditions: then.value }], isForced });
}

/** Reads conditions with several destinations (3.1): the one of the highest priority that matches applies. */
function readDestinations(conditions: readonly unknown[], isForced: boolean): ReadCases {
  const cases: { priority: number; value: ConditionCase }[] = [];
  const faults: string[] = [];
  for (const [index, given] of conditions.entries()) {
    const one = readDestination(given, isForced);
    if (one.ok) cases.push(one.value);
    else faults.push(`conditions[${index}]: ${one.error}`);
  }
  const ordered = cases.toSorted((a, b) => b.priority - a.priority).map(({ value }) => value);
  return { cases: ordered.length === 0 ? [] : [ordered], faults };
}

function readDestination(
  given: unknown,
  isForced: boolean,
): Result<{ priority: number; value: ConditionCase }, string> {
  const parsed = destinations.safeParse(given);
  if (!parsed.success) return err(firstIssue(parsed.error));
  const { from, to, priority, trafficDisable, force, ratio } = parsed.data;
  if (ratio > 0) return err('ratio is not supported');
  const when = parseWhen(from?.match ?? '');
  if (!when.ok) return when;
  const targets: ConditionCase['to'][number][] = [];
  for (const { match, weight } of trafficDisable ? [] : (to ?? [])) {
    const then = parseThen(match ?? '');
    if (!then.ok) return then;
    targets.push({ weight, conditions: then.value ?? [] });
  }
  return ok({ priority, value: { when: when.value, to: targets, isForced: force ?? isForced } });
}

/** Builds the rule of a `condition://` node. */
export const conditionOfUrl = (scope: RuleScope, one: ConditionCase, priority: number): ConditionRule => ({
  scope,
  cases: [one],
  rank: [conditionLevels.url, priority],
});
