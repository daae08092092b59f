import { isDeepStrictEqual } from 'node:util';
import { covers, isWildcard } from '../../model/names.ts';
import { qualifiedHost } from '../../rules/fields.ts';
import type { DestinationRule } from '../../rules/kinds/destination-rule/index.ts';
import type { Sidecar } from '../../rules/kinds/sidecar/index.ts';
import type { VirtualService } from '../../rules/kinds/virtual-service/index.ts';
import { comparePrecedence, type Rule, type RuleId, ruleId } from '../../rules/rule.ts';
import { type Dirty, destinationRuleDep, virtualServiceDep } from './dirty.ts';
import { createHostIndex, type HostIndex } from './host-index.ts';
import type { CompiledRule, Relevance } from './relevance.ts';

/** The rules that are compiled, as compiling asks for them. */
export interface RuleIndex {
  /** Those that speak of the mesh (and not only of gateways), by fully qualified host. */
  readonly virtualServices: HostIndex<VirtualService>;
  readonly destinationRules: HostIndex<DestinationRule>;
  /** The Sidecars of a namespace, in order of precedence. */
  sidecars(namespace: string): readonly Sidecar[];
  sidecar(id: RuleId): Sidecar | undefined;
  /** Rules of kinds that are not compiled (a ServiceEntry is a service by now) are passed over. */
  put(rule: Rule, dirty: Dirty): void;
  remove(id: RuleId, dirty: Dirty): void;
}

export interface RuleIndexOptions {
  readonly domainSuffix: string;
  readonly relevance: Relevance;
  serviceHosts(): Iterable<string>;
}

export function createRuleIndex({ domainSuffix, relevance, serviceHosts }: RuleIndexOptions): RuleIndex {
  const rules = new Map<RuleId, CompiledRule>();
  const virtualServices = createHostIndex<VirtualService>();
  const destinationRules = createHostIndex<DestinationRule>();
  const sidecars = new Map<string, readonly Sidecar[]>();

  const virtualServiceHosts = ({ spec, metadata }: VirtualService): ReadonlySet<string> => {
    const forMesh = spec.gateways === undefined || spec.gateways.length === 0 || spec.gateways.includes('mesh');
    const hosts = forMesh ? (spec.hosts ?? []) : [];
    return new Set(hosts.map((host) => qualifiedHost(host, metadata.namespace, domainSuffix)));
  };

  /** A wildcard rule dirties every host that it covers: hosts depend on their own name only. */
  const markCovered = (pattern: string, dependency: (host: string) => string, dirty: Dirty) => {
    dirty.keys.add(dependency(pattern));
    if (!isWildcard(pattern)) return;
    for (const hosts of [serviceHosts(), virtualServices.hosts()]) {
      for (const host of hosts) if (covers(pattern, host)) dirty.keys.add(dependency(host));
    }
  };

  const index = (rule: CompiledRule, change: 'add' | 'remove', dirty: Dirty) => {
    switch (rule.kind) {
      case 'VirtualService':
        for (const host of virtualServiceHosts(rule)) {
          virtualServices[change](host, rule);
          markCovered(host, virtualServiceDep, dirty);
        }
        return;
      case 'DestinationRule': {
        const host = qualifiedHost(rule.spec.host, rule.metadata.namespace, domainSuffix);
        destinationRules[change](host, rule);
        return markCovered(host, destinationRuleDep, dirty);
      }
      default: {
        const { namespace } = rule.metadata;
        const others = (sidecars.get(namespace) ?? []).filter((other) => other !== rule);
        sidecars.set(namespace, change === 'add' ? [...others, rule].sort(comparePrecedence) : others);
        dirty.sidecars.add(ruleId(rule));
        dirty.moved.namespaces.add(namespace); // which Sidecar a proxy has may be another now
      }
    }
  };

  const replace = (id: RuleId, after: CompiledRule | undefined, dirty: Dirty) => {
    const before = rules.get(id);
    if (before !== undefined && after !== undefined && isSame(before, after)) return;
    if (before === undefined && after === undefined) return;
    relevance.replaceRule(before, after, dirty);
    if (before !== undefined) index(before, 'remove', dirty);
    if (after !== undefined) index(after, 'add', dirty);
    if (after === undefined) rules.delete(id);
    else rules.set(id, after);
  };

  return {
    virtualServices,
    destinationRules,
    sidecars: (namespace) => sidecars.get(namespace) ?? [],
    sidecar(id) {
      const rule = rules.get(id);
      return rule?.kind === 'Sidecar' ? rule : undefined;
    },
    put(rule, dirty) {
      if (isCompiled(rule)) replace(ruleId(rule), rule, dirty);
    },
    remove: (id, dirty) => replace(id, undefined, dirty),
  };
}

/** Labels, annotations, status and the like may change without anything to compile. */
const isSame = (a: CompiledRule, b: CompiledRule): boolean =>
  a === b || (a.metadata.creationTimestamp === b.metadata.creationTimestamp && isDeepStrictEqual(a.spec, b.spec));

/** Rules were validated with their kind's schema: the name of the kind tells the type of the spec. */
const isCompiled = (rule: Rule): rule is CompiledRule =>
  rule.kind === 'VirtualService' || rule.kind === 'DestinationRule' || rule.kind === 'Sidecar';
