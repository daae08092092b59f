import { ipVersion } from '../lib/ip.ts';
import { type Endpoint, isCallable, isSocketAddress } from '../model/endpoint.ts';
import type { Service } from '../model/service.ts';
import { equalValues } from './equal.ts';
import { portsText } from './normalise.ts';

/**
 * Merges the endpoints of one service from lists ordered by precedence. Hostnames are dropped for services with static
 * resolution, because Envoy would reject the whole assignment. An instance that several lists have is one endpoint with
 * the ports of all. Joined endpoints that equal one of `previous` keep its identity.
 */
export function mergeEndpoints(
  service: Service,
  lists: readonly (readonly Endpoint[])[],
  previous: readonly Endpoint[],
): readonly Endpoint[] {
  const [first = [], ...others] = lists.map((list) => usable(service, list));
  return withoutDuplicates(others.length === 0 ? first : joinLists(first, others, previous));
}

function usable(service: Service, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const isUsable = ({ address }: Endpoint) =>
    service.resolution !== 'static' || ipVersion(address) !== 0 || isSocketAddress(address);
  return endpoints.every(isUsable) ? endpoints : endpoints.filter(isUsable);
}

/** Returns the identity of an endpoint: address and ports. */
export const endpointIdentity = (endpoint: Endpoint): string => `${endpoint.address}|${portsText(endpoint)}`;

/** Removes duplicates, of which the first callable one stays, or else the first. Returns the same list without any. */
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

/** Adds lists to the first one. An instance that an earlier list has is joined with it. */
function joinLists(
  first: readonly Endpoint[],
  others: readonly (readonly Endpoint[])[],
  previous: readonly Endpoint[],
): readonly Endpoint[] {
  let merged: readonly Endpoint[] = first;
  for (const list of others) merged = joinList(merged, list);
  const inputs = new Set([first, ...others].flat());
  const former = Map.groupBy(previous, ({ address }) => address);
  return merged.map((one) =>
    inputs.has(one) ? one : (former.get(one.address)?.find((known) => equalValues(known, one)) ?? one),
  );
}

function joinList(first: readonly Endpoint[], second: readonly Endpoint[]): readonly Endpoint[] {
  const merged = [...first];
  const places = Map.groupBy(first.keys(), (index) => first[index]?.address);
  for (const endpoint of second) {
    const same = (places.get(endpoint.address) ?? []).flatMap((index) => {
      const known = merged[index];
      return known !== undefined && isSameInstance(known, endpoint) ? [{ index, known }] : [];
    });
    if (same.length === 0) merged.push(endpoint);
    for (const [nth, { index, known }] of same.entries()) {
      const elsewhere = same.filter((_, other) => other !== nth).flatMap((other) => Object.keys(other.known.ports));
      const keeps = (name: string) => name in known.ports || (nth === 0 && !elsewhere.includes(name));
      merged[index] = joinInstance(known, withPorts(endpoint, keeps));
    }
  }
  return merged;
}

function withPorts(endpoint: Endpoint, keeps: (name: string) => boolean): Endpoint {
  const kept = Object.entries(endpoint.ports).filter(([name]) => keeps(name));
  return kept.length === Object.keys(endpoint.ports).length
    ? endpoint
    : { ...endpoint, ports: Object.fromEntries(kept) };
}

/** Reports whether two endpoints of one address are one instance: some port of both is its own port under one number. */
const isSameInstance = (a: Endpoint, b: Endpoint): boolean =>
  a.network === b.network &&
  Object.keys(a.ports).some((name) => name in b.ports && ownPort(a, name) === ownPort(b, name));

const ownPort = ({ origin, ports }: Endpoint, name: string): number | undefined => origin?.ownPort ?? ports[name];

/**
 * Joins two entries of one instance. The first callable one counts, or else the first. It gets the other's ports; an
 * entry that names the sidecar beside the instance decides about its ports.
 */
function joinInstance(first: Endpoint, second: Endpoint): Endpoint {
  const [main, other] = !isCallable(first) && isCallable(second) ? [second, first] : [first, second];
  const sidecar = [main, other].find(({ origin }) => origin?.ownPort !== undefined);
  const ports = { ...other.ports, ...main.ports, ...sidecar?.ports };
  const isWhole = Object.entries(ports).every(([name, number]) => main.ports[name] === number);
  return isWhole ? main : { ...main, ports, ...(sidecar?.origin === undefined ? {} : { origin: sidecar.origin }) };
}
