import { ipVersion } from '../lib/ip.ts';
import { type Endpoint, type EndpointSet, isCallable } from '../model/endpoint.ts';
import type { Service } from '../model/service.ts';
import { equalValues, sameElements } from './equal.ts';
import { portsText } from './normalise.ts';

/**
 * Selects the service for one hostname of one namespace. Kubernetes takes precedence, so that no other registry can
 * claim its names; then the oldest service, then the first shard by name. Kubernetes services of several clusters
 * become one service with all their virtual addresses. `candidates` are ordered by shard name and not empty.
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
 * Merges the endpoints of one service, ordered by shard name, followed by `departed` ones. Hostnames are dropped for
 * services with static resolution, because Envoy would reject the whole assignment. Of several endpoints with equal
 * address and ports, the first callable one is kept, or else the first.
 */
export function mergeEndpoints(
  service: Service,
  sets: readonly (readonly Endpoint[])[],
  previous: EndpointSet | undefined,
): EndpointSet {
  const endpoints = withoutDuplicates(joined(sets.map((set) => usable(service, set))));
  if (previous !== undefined && sameElements(previous.endpoints, endpoints)) return previous;
  return { namespace: service.namespace, hostname: service.hostname, endpoints };
}

const joined = (lists: readonly (readonly Endpoint[])[]): readonly Endpoint[] =>
  lists.length === 1 ? (lists[0] ?? []) : lists.flat();

function usable(service: Service, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const isUsable = ({ address }: Endpoint) => service.resolution !== 'static' || ipVersion(address) !== 0;
  return endpoints.every(isUsable) ? endpoints : endpoints.filter(isUsable);
}

/** Returns the identity of an endpoint: address and ports. */
export const endpointIdentity = (endpoint: Endpoint): string => `${endpoint.address}|${portsText(endpoint)}`;

/** Removes duplicates. Returns the same list if there are none. */
function withoutDuplicates(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  if (new Set(endpoints.map(({ address }) => address)).size === endpoints.length) return endpoints;
  const first = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const known = first.get(endpointIdentity(endpoint));
    if (known === undefined || (!isCallable(known) && isCallable(endpoint)))
      first.set(endpointIdentity(endpoint), endpoint);
  }
  return first.size === endpoints.length ? endpoints : [...first.values()];
}
