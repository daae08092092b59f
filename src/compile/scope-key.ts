import type { ClientKind, InterceptionMode, Role } from '../model/proxy.ts';
import type { IpFamilies } from '../plan/ip-families.ts';
import { sidecar as sidecarKind } from '../rules/kinds/sidecar/index.ts';
import { type RuleId, ruleId } from '../rules/rule.ts';
import type { TraitsByClient } from './client-traits.ts';
import type { ProxyFacts } from './facts.ts';
import { ipFamiliesOf } from './ip-families.ts';
import { selectedRule } from './selected-rule.ts';
import { meetsCondition, suffixesOf } from './world/relevance.ts';
import { namespaceMatters } from './world/relevant-namespaces.ts';
import type { World } from './world/world.ts';

/**
 * Inputs of a scope's outbound configuration: facts of its proxies and the rules that select them. Facts are coarsened
 * to those that matter for the current services and rules. The key of a scope consists of these facts alone, so equal
 * keys give equal bytes.
 */
export interface ScopeFacts {
  readonly role: Role;
  readonly client: ClientKind;
  /** `none` for clients without a proxy. */
  readonly interception: InterceptionMode;
  /** Address families of captured workloads. Other workloads listen at 127.0.0.1 and have `ipv4`. */
  readonly families: IpFamilies;
  /** True for captured workloads that get addresses from the mesh's DNS. Absent: false. */
  readonly capturesDns?: true;
  /** `*` for all namespaces that make no difference. */
  readonly namespace: string;
  /**
   * DNS domain. Its first label is `*` if it makes no difference. Shortened to a suffix of hosts; empty if no host has
   * one.
   */
  readonly dnsDomain: string;
  readonly sidecar: RuleId | null;
  /** Label conditions of rules that the proxy meets, sorted. */
  readonly conditions: readonly string[];
}

/** Coarsening of facts. `exact` is for the property test that proves that coarsening changes no byte. */
export type Coarseness = 'coarse' | 'exact';

export interface ScopeRules {
  readonly coarseness: Coarseness;
  readonly clients: TraitsByClient;
}

export function scopeFactsOf(proxy: ProxyFacts, world: World, { coarseness, clients }: ScopeRules): ScopeFacts {
  const namespace = proxy.get('namespace');
  const dnsDomain = proxy.get('dnsDomain');
  const role = proxy.get('role');
  const sidecar = role === 'sidecar' ? selectedRule(sidecarKind, proxy, world) : null;
  const client = proxy.get('client');
  const interception = clients[client].isProxy ? proxy.get('interception') : 'none';
  const exact = coarseness === 'exact';
  return {
    role,
    client,
    interception,
    families: interception === 'none' ? 'ipv4' : ipFamiliesOf(proxy.get('addresses')),
    ...(interception !== 'none' && proxy.get('capturesDns') ? { capturesDns: true } : {}),
    namespace: exact || namespaceMatters(namespace, world) ? namespace : '*',
    dnsDomain: exact ? dnsDomain : domainClass(dnsDomain, world),
    sidecar: sidecar === null ? null : ruleId(sidecar),
    conditions: conditionsMet(proxy, world),
  };
}

/**
 * Returns the part of a client's domain that decides how hosts are shortened for it. A domain that is no suffix of a
 * host, and not of the cluster, counts as none: clients may report any number of such domains.
 */
function domainClass(domain: string, { relevance, domainSuffix }: World): string {
  if (relevance.domainMatters(domain)) return domain;
  const service = domain.indexOf('.svc.');
  if (service !== -1) {
    const suffix = domain.slice(service + 1);
    return suffix === `svc.${domainSuffix}` || relevance.hostsEndWith(suffix) ? `*.${suffix}` : '';
  }
  return suffixesOf(domain).find((tail) => relevance.hostsEndWith(tail)) ?? '';
}

function conditionsMet(proxy: ProxyFacts, world: World): readonly string[] {
  const conditions = [...world.relevance.conditions()];
  if (conditions.length === 0) return conditions;
  const labels = proxy.get('labels');
  return conditions.filter((condition) => meetsCondition(condition, labels)).sort();
}
