import type { Service } from '../../../model/service.ts';
import { qualifiedHost } from '../../../rules/fields.ts';
import type { DestinationRuleSpec, SubsetSpec } from '../../../rules/kinds/destination-rule/schema.ts';
import type { ServiceEntrySpec } from '../../../rules/kinds/service-entry/schema.ts';
import { translateServiceEntry } from '../../../rules/kinds/service-entry/translate.ts';
import { type Rule, type RuleId, ruleId } from '../../../rules/rule.ts';

/** Index of the names that rules define and other rules refer to. */
export interface RuleNames {
  /** Sets or removes (null) a rule. Returns the names that may have changed. */
  put(id: RuleId, rule: Rule | null): readonly RuleName[];
  /** Returns the services of ServiceEntries for this host. */
  services(host: string): readonly Service[];
  serviceHosts(): readonly string[];
  /** Returns the subsets of DestinationRules for exactly this host or wildcard. */
  subsets(pattern: string, name: string): readonly SubsetSpec[];
  /** Returns true if there is a Gateway `namespace/name`. */
  hasGateway(id: string): boolean;
}

/** Name that was added, changed or removed. */
export type RuleName =
  | { readonly type: 'service' | 'destination-rule'; readonly host: string }
  | { readonly type: 'gateway'; readonly id: string };

export function createRuleNames(domainSuffix: string): RuleNames {
  const rules = new Map<RuleId, Rule>();
  const services = new Map<string, Set<RuleId>>();
  const destinationRules = new Map<string, Set<RuleId>>();

  const namesOf = (rule: Rule): readonly RuleName[] => {
    const { namespace, name } = rule.metadata;
    if (isDestinationRule(rule)) {
      return [{ type: 'destination-rule', host: qualifiedHost(rule.spec.host, namespace, domainSuffix) }];
    }
    if (isServiceEntry(rule)) return hostsOf(rule.spec).map((host) => ({ type: 'service', host }));
    return rule.kind === 'Gateway' ? [{ type: 'gateway', id: `${namespace}/${name}` }] : [];
  };

  const indexOf = (thing: RuleName) =>
    thing.type === 'service' ? services : thing.type === 'destination-rule' ? destinationRules : null;

  const rulesOf = (index: Map<string, Set<RuleId>>, host: string): readonly Rule[] =>
    [...(index.get(host) ?? [])].flatMap((id) => rules.get(id) ?? []);

  return {
    put(id, rule) {
      const before = rules.get(id);
      const gone = before === undefined ? [] : namesOf(before);
      const come = rule === null ? [] : namesOf(rule);
      for (const thing of gone) if (thing.type !== 'gateway') removeFrom(indexOf(thing), thing.host, id);
      for (const thing of come) if (thing.type !== 'gateway') addTo(indexOf(thing), thing.host, id);
      if (come.length > 0 && rule !== null) rules.set(id, rule);
      else rules.delete(id);
      return [...gone, ...come];
    },
    services: (host) =>
      rulesOf(services, host).flatMap((rule) =>
        isServiceEntry(rule)
          ? translateServiceEntry(rule).hosts.flatMap(({ service }) => (service.hostname === host ? [service] : []))
          : [],
      ),
    serviceHosts: () => [...services.keys()],
    subsets: (pattern, name) =>
      rulesOf(destinationRules, pattern).flatMap((rule) =>
        isDestinationRule(rule) ? (rule.spec.subsets ?? []).filter((subset) => subset.name === name) : [],
      ),
    hasGateway: (id) => rules.has(ruleId({ kind: 'Gateway', metadata: splitName(id) })),
  };
}

// Sound: rules are validated with their kind's schema, so the kind determines the type of the spec.
const isDestinationRule = (rule: Rule): rule is Rule<string, DestinationRuleSpec> => rule.kind === 'DestinationRule';
const isServiceEntry = (rule: Rule): rule is Rule<string, ServiceEntrySpec> => rule.kind === 'ServiceEntry';

const hostsOf = ({ hosts }: ServiceEntrySpec): readonly string[] => [
  ...new Set(hosts.map((host) => host.toLowerCase().replace(/\.$/, ''))),
];

function splitName(id: string): { namespace: string; name: string } {
  const slash = id.indexOf('/');
  return { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

function addTo(index: Map<string, Set<RuleId>> | null, host: string, id: RuleId): void {
  index?.set(host, (index.get(host) ?? new Set()).add(id));
}

function removeFrom(index: Map<string, Set<RuleId>> | null, host: string, id: RuleId): void {
  const ids = index?.get(host);
  ids?.delete(id);
  if (ids?.size === 0) index?.delete(host);
}
