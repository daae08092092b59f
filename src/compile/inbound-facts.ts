import type { ServiceKey } from '../model/names.ts';
import type { ClientKind, Proxy } from '../model/proxy.ts';
import type { IpFamilies } from '../plan/listener.ts';
import type { TraitsByClient } from './client-traits.ts';
import type { ProxyFacts } from './facts.ts';
import { ipFamiliesOf } from './ip-families.ts';
import type { Member } from './world/workloads.ts';
import type { World } from './world/world.ts';

/** Facts that the configuration of a workload group may depend on. Groups of equal facts share one layer. */
export interface InboundFacts {
  readonly client: ClientKind;
  readonly families: IpFamilies;
  readonly transparent: boolean;
  /** Services of the workloads, with their ports, as registries report them; sorted, without duplicates. */
  readonly memberships: readonly Membership[];
}

/** A service that a workload belongs to, and its ports there. What the service says of the ports is no fact of the workload. */
export interface Membership {
  readonly service: ServiceKey;
  /** By name. Sorted. */
  readonly ports: readonly (readonly [name: string, number: number])[];
  /** Order of services that share a port: the lowest decides. Equal where the workload does not distinguish them. */
  readonly rank: number;
}

/**
 * The facts of a proxy's workloads, or `null` when the kernel brings no traffic to it. gRPC servers take it themselves:
 * whatever their addresses and interception are, those of equal ports have one layer.
 */
export function inboundFactsOf(proxy: ProxyFacts, world: World, clients: TraitsByClient): InboundFacts | null {
  const client = proxy.get('client');
  const interception = proxy.get('interception');
  const addresses = proxy.get('addresses');
  if (proxy.get('role') !== 'sidecar') return null;
  const own = { namespace: proxy.get('namespace'), name: proxy.get('name') };
  if (!clients[client].isProxy) {
    const memberships = membershipsOf(addresses, own, world);
    return memberships.length === 0 ? null : { client, families: 'dual', transparent: false, memberships };
  }
  if (interception === 'none') return null;
  return {
    client,
    families: ipFamiliesOf(addresses),
    transparent: interception === 'tproxy',
    memberships: clients[client].hasFilterChains ? membershipsOf(addresses, own, world) : [],
  };
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

/** How many members have a port. */
function usersByPort(members: readonly Member[]): ReadonlyMap<number, number> {
  const users = new Map<number, number>();
  for (const { endpoint } of members) {
    for (const port of new Set(Object.values(endpoint.ports))) users.set(port, (users.get(port) ?? 0) + 1);
  }
  return users;
}

/**
 * Of several services on one port, that of the workload's own namespace decides what the port speaks: others may have
 * written down any address. Then one whose endpoint is this workload: a workload that had the address before may still be
 * listed. Then one that has the endpoint now.
 */
function rankOf({ service, endpoint: { workload, health } }: Member, { namespace, name }: Own): number {
  const isOwn = workload !== null && workload.name === name && workload.namespace === namespace;
  return (service.startsWith(`${namespace}/`) ? 0 : 4) + (isOwn ? 0 : 2) + (health === 'departed' ? 1 : 0);
}
