import { ruleId } from '../../rule.ts';
import type { DestinationRule } from './index.ts';
import type { PortPolicy, TrafficPolicySpec } from './policy-schema.ts';
import type { SubsetSpec } from './schema.ts';

/** Several DestinationRules of one host, merged. */
export interface MergedDestinationRule {
  readonly policy: TrafficPolicySpec | undefined;
  readonly subsets: readonly SubsetSpec[];
  /** Rule ids, in order of precedence. */
  readonly origins: readonly string[];
  readonly problems: readonly { readonly origin: string; readonly message: string }[];
}

/**
 * Merges the rules of one host, given in order of precedence. Appends unique subsets and keeps the first trafficPolicy.
 */
export function mergeDestinationRules(rules: readonly DestinationRule[]): MergedDestinationRule {
  const subsets = new Map<string, { readonly subset: SubsetSpec; readonly origin: string }>();
  const problems: { origin: string; message: string }[] = [];
  let policy: TrafficPolicySpec | undefined;
  for (const rule of rules) {
    const origin = ruleId(rule);
    for (const subset of rule.spec.subsets ?? []) {
      const earlier = subsets.get(subset.name);
      if (earlier === undefined) subsets.set(subset.name, { subset, origin });
      else problems.push({ origin, message: `subset ${subset.name} is dropped: ${earlier.origin} has it already` });
    }
    if (policy !== undefined && rule.spec.trafficPolicy !== undefined) {
      problems.push({ origin, message: 'spec.trafficPolicy is not used: an older rule of the same host has one' });
    }
    policy ??= rule.spec.trafficPolicy;
  }
  return {
    policy,
    subsets: [...subsets.values()].map(({ subset }) => subset),
    origins: rules.map(ruleId),
    problems,
  };
}

/**
 * Returns the policy of `port`. A subset's policy overrides field by field. A port's settings replace all fields
 * together, including those that it leaves out.
 */
export function portPolicy(rule: MergedDestinationRule, subset: SubsetSpec | null, port: number): PortPolicy {
  return override(override({}, rule.policy, port), subset?.trafficPolicy, port);
}

function override(base: PortPolicy, policy: TrafficPolicySpec | undefined, port: number): PortPolicy {
  if (policy === undefined) return base;
  const { portLevelSettings = [], ...whole } = policy;
  const own = portLevelSettings.find((settings) => settings.port.number === port);
  if (own === undefined) return { ...base, ...definedFields(whole) };
  const { port: _, ...settings } = own;
  return settings;
}

/** Returns the fields with a value: only these override others. */
const definedFields = (policy: PortPolicy): PortPolicy =>
  Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
