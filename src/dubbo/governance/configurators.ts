import { z } from 'zod';
import { err, ok, type Result } from '../../lib/result.ts';
import { isEveryProvider, parseAddressPattern } from './address-pattern.ts';
import {
  everyValue,
  firstIssue,
  instanceMatch,
  type parameterMatches,
  scalar,
  toAddressPattern,
  toTextPattern,
} from './match-schema.ts';
import {
  everyService,
  type IdentityPattern,
  type ProviderCondition,
  parseIdentityPattern,
} from './provider-condition.ts';
import { isSameKey, parseServiceKey } from './rule-name.ts';
import {
  emptyDocument,
  faultyDocument,
  levels,
  type OverrideRule,
  type RuleDocument,
  type RuleScope,
} from './rules.ts';
import { matchesPattern, type TextPattern } from './text-pattern.ts';

const item = z.object({
  side: z.enum(['consumer', 'provider']).nullish(),
  enabled: z.boolean().nullish(),
  type: z.string().nullish(),
  addresses: z.array(scalar).nullish(),
  providerAddresses: z.array(scalar).nullish(),
  services: z.array(scalar).nullish(),
  applications: z.array(scalar).nullish(),
  parameters: z.record(z.string(), scalar),
  match: instanceMatch.nullish(),
});

const schema = z.object({
  scope: z.enum(['service', 'application']).default('service'),
  key: scalar.nullish(),
  enabled: z.boolean().default(true),
  configs: z.array(z.unknown()),
});

type Item = z.infer<typeof item>;

/**
 * Reads `<service>.configurators` or `<application>.configurators`. `key` is that of its name. An item that cannot be
 * applied is left out and named.
 */
export function readConfigurators(value: unknown, key: string): RuleDocument {
  const document = schema.safeParse(value);
  if (!document.success) return faultyDocument(firstIssue(document.error));
  const { scope: level, enabled, configs, key: given } = document.data;
  if (given !== null && given !== undefined && !isSameKey(given, key))
    return faultyDocument(`its key is '${given}', not '${key}': Dubbo applies it nowhere`);
  const service = level === 'service' ? parseServiceKey(key) : everyService;
  const overrides: OverrideRule[] = [];
  const faults: string[] = [];
  for (const [index, config] of configs.entries()) {
    const rule = readItem(config, { level, key, service });
    if (!rule.ok) faults.push(`configs[${index}]: ${rule.error}`);
    else if (rule.value !== null && (rule.value.enabled ?? enabled)) overrides.push(...rule.value.rules);
  }
  return { ...emptyDocument, overrides, faults };
}

interface ItemContext {
  readonly level: 'service' | 'application';
  readonly key: string;
  readonly service: IdentityPattern;
}

/** `enabled` is the item's own switch, which counts only for items with a type; null for that of the document. */
interface ReadItem {
  readonly enabled: boolean | null;
  readonly rules: readonly OverrideRule[];
}

function readItem(value: unknown, context: ItemContext): Result<ReadItem, string> {
  const parsed = item.safeParse(value);
  if (!parsed.success) return err(firstIssue(parsed.error));
  const { side, type, enabled, parameters } = parsed.data;
  if (side === null || side === undefined) return err('it names no side, so Dubbo applies it nowhere');
  if (Object.keys(parameters).length === 0) return err('it has no parameters');
  const conditions = side === 'provider' ? ofProviders(parsed.data, context) : ofConsumers(parsed.data, context);
  if (!conditions.ok) return conditions;
  const scope: RuleScope = {
    services: context.service,
    application: context.level === 'application' && side === 'provider' ? context.key : null,
  };
  const isForOneHost = (parsed.data.addresses ?? []).some((text) => !/^(0\.0\.0\.0|\*)/.test(text)) ? 1 : 0;
  const rule: OverrideRule = {
    scope,
    conditions: conditions.value,
    parameters: new Map(Object.entries(parameters)),
    rank: [levels[context.level], isForOneHost, Number(parameters.priority ?? 0) || 0],
    isFallback: false,
  };
  const isGeneral = type === null || type === undefined || type === 'general';
  return ok({ enabled: isGeneral ? null : (enabled ?? false), rules: [rule] });
}

function ofProviders(config: Item, context: ItemContext): Result<readonly ProviderCondition[], string> {
  const { addresses, applications, match } = config;
  const common = commonConditions(config, context);
  if (!common.ok) return common;
  const own = addressCondition(addresses);
  if (!own.ok) return own;
  const host = match?.address ? toAddressPattern(match.address) : null;
  if (host !== null && !host.ok) return host;
  const app = applicationPatterns(config);
  if (!app.ok) return app;
  return ok([
    ...common.value,
    ...own.value,
    ...(host === null ? [] : [{ type: 'address', anyOf: [host.value] } as const]),
    ...(app.value.length === 0 ? [] : [parameterIs('application', app.value)]),
    ...((applications ?? []).length === 0 ? [] : [parameterIs('application', exactly(applications ?? []))]),
  ]);
}

/** A rule for consumers counts if it is for all of them: the mesh tells all of them the same of an instance. */
function ofConsumers(config: Item, context: ItemContext): Result<readonly ProviderCondition[], string> {
  const { addresses, applications, match } = config;
  const onlySome = 'for some consumers only, which instances cannot express';
  if (context.level === 'application')
    return err(`it is for the consumers of application '${context.key}': ${onlySome}`);
  const own = everyValue((addresses ?? []).map(parseAddressPattern));
  if (!own.ok) return own;
  if (own.value.length > 0 && !own.value.some(isEveryProvider))
    return err(`it is for consumers at ${(addresses ?? []).join(', ')}: ${onlySome}`);
  const host = match?.address ? toAddressPattern(match.address) : null;
  if (host !== null && !host.ok) return host;
  if (host !== null && !isEveryProvider(host.value)) return err(`match.address: it is ${onlySome}`);
  const apps = (applications ?? []).filter((one) => one !== '*');
  if (apps.length > 0) return err(`it is for the consumers of ${apps.join(', ')}: ${onlySome}`);
  const app = applicationPatterns(config);
  if (!app.ok) return app;
  if (app.value.length > 0 && !app.value.some((pattern) => matchesPattern(pattern, '*')))
    return err(`match.app: it is ${onlySome}`);
  return commonConditions(config, context);
}

/** Returns the conditions on providers that both sides have. */
function commonConditions({ providerAddresses, services, match }: Item, { level }: ItemContext) {
  const conditions: ProviderCondition[] = [];
  const providers = addressCondition(providerAddresses);
  if (!providers.ok) return providers;
  conditions.push(...providers.value);
  if (level === 'application' && services && services.length > 0)
    conditions.push({ type: 'service', anyOf: services.map(parseIdentityPattern) });
  if (match?.providerAddress) {
    const address = toAddressPattern(match.providerAddress);
    if (!address.ok) return address;
    conditions.push({ type: 'address', anyOf: [address.value] });
  }
  if (match?.service) {
    const named = match.service.oneof.map(({ exact, wildcard }) => exact ?? wildcard);
    if (named.includes(undefined)) return err('match.service: only exact and wildcard are supported');
    conditions.push({ type: 'service', anyOf: named.map((name) => parseIdentityPattern(name ?? '*')) });
  }
  const parameters = parameterConditions(match?.param ?? []);
  if (!parameters.ok) return parameters;
  return ok([...conditions, ...parameters.value]);
}

/** Converts conditions on parameters of providers. */
export function parameterConditions(
  given: z.infer<typeof parameterMatches>,
): Result<readonly ProviderCondition[], string> {
  return everyValue(
    given.map(({ key, value }) => {
      const pattern = toTextPattern(value);
      return pattern.ok ? ok(parameterIs(key, [pattern.value])) : pattern;
    }),
  );
}

const applicationPatterns = ({ match }: Item): Result<readonly TextPattern[], string> =>
  everyValue([...(match?.app?.oneof ?? []), ...(match?.application?.oneof ?? [])].map(toTextPattern));

/** Converts addresses; no condition if there are none, or if all are meant. */
export function addressCondition(addresses: readonly string[] | null | undefined) {
  const patterns = everyValue((addresses ?? []).map(parseAddressPattern));
  if (!patterns.ok) return patterns;
  const isNone = patterns.value.length === 0 || patterns.value.some(isEveryProvider);
  return ok<readonly ProviderCondition[]>(isNone ? [] : [{ type: 'address', anyOf: patterns.value }]);
}

const parameterIs = (key: string, anyOf: readonly TextPattern[]): ProviderCondition => ({
  type: 'parameter',
  key,
  anyOf,
  noneOf: [],
});

const exactly = (texts: readonly string[]): readonly TextPattern[] =>
  texts.map((value) => (value === '*' ? { type: 'present' } : { type: 'exact', value }));
