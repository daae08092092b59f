import { canonicalAddress, canonicalIp, ipVersion, isEveryAddress } from '../lib/ip.ts';
import { type Endpoint, type EndpointSet, isSocketAddress } from '../model/endpoint.ts';
import { isProxyPort } from '../model/proxy.ts';
import { distinctPortNames, type Service, type ServicePort } from '../model/service.ts';
import { equalValues, sameElements } from './equal.ts';

const hostnamePattern = /^(\*|(\*[.-]?)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*)$/;

/** Returns the reason why no part of a service can be served, or null. Adapters translate; this is the final check. */
export function serviceFault(service: Service): string | null {
  if (service.namespace === '') return 'has no namespace';
  if (service.hostname.length > 253 || !hostnamePattern.test(service.hostname)) return 'is not a valid hostname';
  if (!Number.isFinite(service.createdAtMs)) return 'has no valid creation time';
  return null;
}

/** Removes invalid ports and addresses and reports each. Returns the service itself if all are valid. */
export function servableService(service: Service, refuse: (message: string) => void): Service {
  const ports = servablePorts(service.ports, refuse);
  const vips = servableAddresses(service.vips, refuse);
  return sameElements(ports, service.ports) && sameElements(vips, service.vips) ? service : { ...service, ports, vips };
}

function servablePorts(given: readonly ServicePort[], refuse: (message: string) => void): readonly ServicePort[] {
  const names = distinctPortNames(given);
  const used = new Set<string>();
  return given.flatMap((port, index) => {
    const name = names[index] ?? port.name;
    // TCP and UDP ports are distinct: kube-dns has port 53 in both.
    const transportPort = `${port.number}/${port.protocol === 'udp' ? 'udp' : 'tcp'}`;
    const fault = portFault(port);
    if (fault !== null) refuse(fault);
    else if (used.has(transportPort)) refuse(`has port ${port.number} twice: the second is left out`);
    else if (used.has(name)) refuse(`names two ports '${name}': the second is left out`);
    else {
      if (name !== port.name) refuse(`names two ports '${port.name}': port ${port.number} is called by its number`);
      used.add(transportPort).add(name);
      return [name === port.name ? port : { ...port, name }];
    }
    return [];
  });
}

function portFault({ number, protocol }: ServicePort): string | null {
  if (!isPort(number)) return `has port number ${number}; it must be 1 to 65535: it is left out`;
  if (protocol !== 'udp' && isProxyPort(number))
    return `has port ${number}, which is the sidecars' own: it is left out`;
  return null;
}

/** Returns canonical addresses and ranges without duplicates. */
function servableAddresses(given: readonly string[], refuse: (message: string) => void): readonly string[] {
  const addresses = given.flatMap((text) => {
    const [address = '', ...bits] = text.split('/');
    if (ipVersion(address) === 0) refuse(`has the address '${text}', which is not an IP address: it is left out`);
    else if (isEveryAddress(text)) refuse(`has the address '${text}', which stands for every address: it is left out`);
    else return [[canonicalIp(address), ...bits].join('/')];
    return [];
  });
  return [...new Set(addresses)];
}

/** Returns the reason why an endpoint cannot be served, or null. */
export function endpointFault(endpoint: Endpoint): string | null {
  const isSocket = isSocketAddress(endpoint.address);
  if (!isSocket && ipVersion(endpoint.address) === 0 && !hostnamePattern.test(endpoint.address.toLowerCase())) {
    return `endpoint address '${endpoint.address}' is neither an IP address nor a hostname`;
  }
  for (const [name, number] of Object.entries(endpoint.ports)) {
    if (!isPort(number) && !isSocket) return `endpoint ${endpoint.address} has number ${number} for port '${name}'`;
  }
  if (!(endpoint.weight >= 1))
    return `endpoint ${endpoint.address} has weight ${endpoint.weight}; it must be 1 or more`;
  return null;
}

const isPort = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= 65_535;

/**
 * Normalises a set: registry order, canonical addresses, no invalid or duplicate endpoints. Unchanged endpoints keep
 * their identity, and an equal set is `previous` itself.
 */
export function normaliseSet(
  set: EndpointSet,
  previous: EndpointSet | undefined,
  refuse: (message: string) => void,
): EndpointSet {
  const spelt = withCanonicalAddresses(set.endpoints);
  const sorted = isSorted(spelt) ? spelt : spelt.toSorted(compareEndpoints);
  const known = previous?.endpoints ?? [];
  const endpoints: Endpoint[] = [];
  let next = 0;
  for (const endpoint of sorted) {
    const last = endpoints.at(-1);
    if (last !== undefined && compareEndpoints(last, endpoint) === 0) continue;
    next = firstNotBefore(known, next, endpoint);
    const former = known[next];
    if (former !== undefined && equalValues(former, endpoint)) {
      endpoints.push(former);
      continue;
    }
    const fault = endpointFault(endpoint);
    if (fault === null) endpoints.push(endpoint);
    else refuse(fault);
  }
  if (previous !== undefined && sameElements(endpoints, previous.endpoints)) return previous;
  return { ...set, endpoints };
}

function withCanonicalAddresses(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  if (!endpoints.some(({ address }) => address.includes(':'))) return endpoints;
  return endpoints.map((endpoint) => {
    const address = canonicalAddress(endpoint.address);
    return address === endpoint.address ? endpoint : { ...endpoint, address };
  });
}

/** Finds a former endpoint. Both lists are sorted, so one pass finds all. */
function firstNotBefore(known: readonly Endpoint[], from: number, endpoint: Endpoint): number {
  let index = from;
  for (let at = known[index]; at !== undefined && compareEndpoints(at, endpoint) < 0; at = known[index]) index += 1;
  return index;
}

const isSorted = (endpoints: readonly Endpoint[]): boolean =>
  endpoints.every((endpoint, index) => {
    const before = endpoints[index - 1];
    return before === undefined || compareEndpoints(before, endpoint) <= 0;
  });

/** Compares by address, ports, then workload, so that the order in which platforms list endpoints has no effect. */
export function compareEndpoints(a: Endpoint, b: Endpoint): number {
  if (a === b) return 0;
  return (
    compareText(a.address, b.address) ||
    compareText(portsText(a), portsText(b)) ||
    compareText(workloadText(a), workloadText(b))
  );
}

/** Formats ports by name: `http=8080,grpc=9090`. Endpoints of one address differ by it. */
export const portsText = (endpoint: Endpoint): string =>
  Object.entries(endpoint.ports)
    .map(([name, number]) => `${name}=${number}`)
    .sort()
    .join();

const workloadText = ({ workload }: Endpoint): string =>
  workload === null ? '' : `${workload.namespace}/${workload.name}`;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
