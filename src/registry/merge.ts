import { ipVersion } from '../lib/ip.ts';
import { type Endpoint, type EndpointSet, isCallable } from '../model/endpoint.ts';
import type { Service } from '../model/service.ts';
import { equalValues, sameElements } from './equal.ts';
import { portsText } from './normalise.ts';

/**
 * The service that stands for one hostname of one namespace. Kubernetes beats other registries, so that nobody
 * squats on its names; then the oldest wins, then the first shard by name. Kubernetes services of several clusters are
 * one service with all their virtual addresses. `candidates` come in the order of shard names and are not empty.
 */
export function mergeServices(candidates: readonly Service[], previous: Service | undefined): Service | undefined {
  const [winner, ...others] = candidates.toSorted(
    (a, b) => Number(isKubernetes(b)) - Number(isKubernetes(a)) || a.createdAtMs - b.createdAtMs,
  );
  if (winner === undefined) return undefined;
  const merged = isKubernetes(winner) ? withAddressesOf(winner, others.filter(isKubernetes)) : winner;
  return previous !== undefined && equalValues(previous, merged) ? previous : merged;
}

const isKubernetes = (service: Service): boolean => service.registry === 'kubernetes';

function withAddressesOf(winner: Service, others: readonly Service[]): Service {
  const vips = [...new Set([winner, ...others].flatMap((service) => service.vips))];
  return sameElements(vips, winner.vips) ? winner : { ...winner, vips };
}

/**
 * The endpoints of one service from all shards that know some, in the order of shard names, and then `departed` ones. Names
 * are left out where the service has static resolution (Envoy would reject the whole assignment). Of several endpoints on
 * the same address and ports the first counts, of those that may be called if there are any.
 */
export function mergeEndpoints(
  service: Service,
  sets: readonly (readonly Endpoint[])[],
  previous: EndpointSet | undefined,
): EndpointSet {
  const endpoints = withoutDoubles(joined(sets.map((set) => usable(service, set))));
  if (previous !== undefined && sameElements(previous.endpoints, endpoints)) return previous;
  return { namespace: service.namespace, hostname: service.hostname, endpoints };
}

const joined = (lists: readonly (readonly Endpoint[])[]): readonly Endpoint[] =>
  lists.length === 1 ? (lists[0] ?? []) : lists.flat();

function usable(service: Service, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const isUsable = ({ address }: Endpoint) => service.resolution !== 'static' || ipVersion(address) !== 0;
  return endpoints.every(isUsable) ? endpoints : endpoints.filter(isUsable);
}

/** What makes two endpoints one: their address and ports. */
export const doorOf = (endpoint: Endpoint): string => `${endpoint.address}|${portsText(endpoint)}`;

/** The list itself where there are none, which is nearly always. */
function withoutDoubles(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  if (new Set(endpoints.map(({ address }) => address)).size === endpoints.length) return endpoints;
  const first = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const known = first.get(doorOf(endpoint));
    if (known === undefined || (!isCallable(known) && isCallable(endpoint))) first.set(doorOf(endpoint), endpoint);
  }
  return first.size === endpoints.length ? endpoints : [...first.values()];
}
