import type { ServiceKey } from '../model/names.ts';
import type { ClientKind, InterceptionMode, Proxy } from '../model/proxy.ts';
import type { IpFamilies } from '../plan/ip-families.ts';
import { type SidecarRule, sidecar as sidecarKind } from '../rules/kinds/sidecar/index.ts';
import { hasInboundSettings } from '../rules/kinds/sidecar/resolve.ts';
import { type RuleId, ruleId } from '../rules/rule.ts';
import type { TraitsByClient } from './client-traits.ts';
import type { ProxyFacts } from './facts.ts';
import { ipFamiliesOf } from './ip-families.ts';
import { selectedRule } from './selected-rule.ts';
import { namespaceMatters } from './world/relevant-namespaces.ts';
import type { Member } from './world/workloads.ts';
import type { World } from './world/world.ts';

/** Facts on which the configuration of a workload group may depend. Groups with equal facts share one layer. */
export interface InboundFacts {
  readonly client: ClientKind;
  readonly families: IpFamilies;
  /** `none` only with ingress listeners of a Sidecar, and for clients without a proxy. */
  readonly interception: InterceptionMode;
  /** Namespace, for the choice of DestinationRules; `*` if it makes no difference. */
  readonly namespace: string;
  /** Sidecar with inbound settings; null for none. */
  readonly sidecar: RuleId | null;
  /** Addresses of the workload, in their order. Empty unless the Sidecar has ingress listeners. */
  readonly addresses: readonly string[];
  /** Services of the workloads with their ports, as registries report them; sorted, without duplicates. */
  readonly memberships: readonly Membership[];
}

/**
 * Service of a workload, with its ports there. The service's own description of the ports is no fact of the workload.
 */
export interface Membership {
  readonly service: ServiceKey;
  /** Target ports by name, sorted. */
  readonly ports: readonly (readonly [name: string, number: number])[];
  /**
   * Precedence of services that share a port; the lowest decides. Ranks are equal if the workload does not distinguish
   * them.
   */
  readonly rank: number;
}

/**
 * Reads the facts of a proxy's workloads; null if no connections from outside reach the proxy. gRPC servers accept their
 * connections themselves. Those with equal ports share a layer, whatever their addresses and interception are.
 */
export function inboundFactsOf(proxy: ProxyFacts, world: World, clients: TraitsByClient): InboundFacts | null {
  if (proxy.get('role') !== 'sidecar') return null;
  const client = proxy.get('client');
  const { isProxy, hasFilterChains } = clients[client];
  const addresses = proxy.get('addresses');
  const rule = inboundSidecar(proxy, world);
  const own = { namespace: proxy.get('namespace'), name: proxy.get('name') };
  const memberships = !isProxy || hasFilterChains ? membershipsOf(addresses, own, world) : [];
  const sidecar = rule === null ? null : ruleId(rule);
  if (!isProxy) {
    if (memberships.length === 0) return null;
    return { ...withoutAddresses, client, families: 'dual', interception: 'none', sidecar, memberships };
  }
  const interception = proxy.get('interception');
  const listens = hasFilterChains && (rule?.spec.ingress ?? []).length > 0;
  if (interception === 'none' && !listens) return null;
  return {
    client,
    families: ipFamiliesOf(addresses),
    interception,
    namespace: memberships.length > 0 && namespaceMatters(own.namespace, world) ? own.namespace : '*',
    sidecar,
    addresses: listens ? addresses : [],
    memberships,
  };
}

const withoutAddresses = { namespace: '*', addresses: [] };

/** Returns the proxy's Sidecar if it has inbound settings. */
function inboundSidecar(proxy: ProxyFacts, world: World): SidecarRule | null {
  const rule = selectedRule(sidecarKind, proxy, world);
  return rule !== null && hasInboundSettings(rule.spec) ? rule : null;
}

type Own = Pick<Proxy, 'namespace' | 'name'>;

function membershipsOf(addresses: readonly string[], own: Own, world: World): readonly Membership[] {
  const members = addresses.flatMap(world.workloads.at);
  const users = usersByPort(members);
  const memberships = new Map<string, Membership>();
  for (const { service, endpoint } of members) {
    const ports = Object.entries(endpoint.ports).sort(([a], [b]) => (a < b ? -1 : 1));
    const isContested = ports.some(([, number]) => (users.get(number) ?? 0) > 1);
    const rank = isContested ? rankOf({ service, endpoint }, own) : 0;
    const membership = { service, ports, rank };
    memberships.set(JSON.stringify(membership), membership);
  }
  return [...memberships].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, membership]) => membership);
}

/** Returns the number of members per port. */
function usersByPort(members: readonly Member[]): ReadonlyMap<number, number> {
  const users = new Map<number, number>();
  for (const { endpoint } of members) {
    for (const port of new Set(Object.values(endpoint.ports))) users.set(port, (users.get(port) ?? 0) + 1);
  }
  return users;
}

/**
 * Ranks a service among those of one port. The workload's own namespace comes first, because services elsewhere may
 * list any address. An endpoint of this workload comes next: a previous workload of the address may still be listed. An
 * endpoint that has not departed comes next.
 */
function rankOf({ service, endpoint: { workload, health } }: Member, { namespace, name }: Own): number {
  const isOwn = workload !== null && workload.name === name && workload.namespace === namespace;
  return (service.startsWith(`${namespace}/`) ? 0 : 4) + (isOwn ? 0 : 2) + (health === 'departed' ? 1 : 0);
}
