import type { Provider } from '../provider.ts';
import { matchesIdentity, meetsAll, providerApplication, type RuledProvider } from './provider-condition.ts';
import type { OverrideRule, RuleScope } from './rules.ts';

/** Override with where it comes from. */
export interface OriginatedOverride {
  readonly origin: string;
  readonly rule: OverrideRule;
}

export const isInScope = ({ services, application }: RuleScope, provider: Provider): boolean =>
  matchesIdentity(services, provider.identity) &&
  (application === null || application === providerApplication(provider));

/** Sorts rules in the order in which they apply: a later one overrides an earlier one. */
export const inOrder = (rules: readonly OriginatedOverride[]): readonly OriginatedOverride[] =>
  rules.toSorted((a, b) => {
    for (const [index, number] of a.rule.rank.entries()) {
      const other = b.rule.rank[index] ?? 0;
      if (number !== other) return number - other;
    }
    return a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : 0;
  });

/** Provider with its parameters after rules, and the origin of each parameter that a rule set. */
export interface OverriddenProvider extends RuledProvider {
  readonly changed: ReadonlyMap<string, string>;
}

/** Applies rules that are in order. Their conditions are on the parameters as the provider registered them. */
export function applyOverrides(provider: Provider, rules: readonly OriginatedOverride[]): OverriddenProvider {
  const registered = { provider, parameters: provider.parameters };
  const applying = rules.filter(({ rule }) => isInScope(rule.scope, provider) && meetsAll(registered, rule.conditions));
  if (applying.length === 0) return { ...registered, changed: new Map() };
  const parameters = new Map(provider.parameters);
  const changed = new Map<string, string>();
  for (const { origin, rule } of applying)
    for (const [key, value] of rule.parameters) {
      if (rule.isFallback && parameters.has(key)) continue;
      parameters.set(key, value);
      changed.set(key, origin);
    }
  return { provider, parameters, changed };
}
