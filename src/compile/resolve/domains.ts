import { canonicalIp, ipVersion } from '../../lib/ip.ts';
import { isWildcard } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { ClientFacts } from './client-facts.ts';

/**
 * Returns the names by which clients call a service, without ports, unique, the hostname first. They are its hostname,
 * aliases and `otherNames`, each in its absolute form and with the short forms that the clients' resolver completes, and
 * its virtual addresses. Headless services also have names of single endpoints.
 */
export function domainsOf(
  service: Service,
  clients: Pick<ClientFacts, 'domainFor'>,
  otherNames: readonly string[] = [],
): readonly string[] {
  const known = memo.get(service) ?? new Map<string, readonly string[]>();
  memo.set(service, known);
  const hosts = [service.hostname, ...service.aliases, ...otherNames];
  const domain = clients.domainFor([...new Set(hosts.map(parentOf))]);
  const relation = [domain, ...otherNames].join();
  const found = known.get(relation);
  if (found !== undefined) return found;
  const names = hosts.flatMap((host) => [host, ...shortened(host, domain)]);
  const instances = service.headless ? names.filter((name) => !name.startsWith('*')).map((name) => `*.${name}`) : [];
  const addresses = singleAddresses(service).map((vip) => (vip.includes(':') ? `[${vip}]` : vip));
  const domains = [...new Set([...names, ...instances, ...addresses, ...hosts.flatMap(absolute)])];
  known.set(relation, domains);
  if (known.size > maxRelations) known.delete(known.keys().next().value ?? relation);
  return domains;
}

/** Returns a host, followed by the short forms that the clients' resolver completes. */
export const namesOf = (host: string, clients: Pick<ClientFacts, 'domainFor'>): readonly string[] => [
  host,
  ...shortened(host, clients.domainFor([parentOf(host)])),
];

/** Adds the absolute form of the first name, that of the host itself. */
export const withAbsolute = (names: readonly string[]): readonly string[] => [
  ...names,
  ...names.slice(0, 1).flatMap(absolute),
];

/** Returns a name with the trailing dot of an absolute name; none for wildcards and addresses. */
const absolute = (host: string): readonly string[] =>
  isWildcard(host) || host.endsWith('.') || ipVersion(host) !== 0 ? [] : [`${host}.`];

/** Returns the parent domain of a host. */
const parentOf = (host: string): string => host.slice(host.indexOf('.') + 1);

/**
 * Returns the virtual addresses of a service in canonical form, because Envoy rejects two forms of one address. Ranges
 * (`10.0.0.0/8`) are omitted: clients do not use them as a host.
 */
export const singleAddresses = ({ vips }: Service): readonly string[] => [
  ...new Set(vips.filter((vip) => !vip.includes('/')).map(canonicalIp)),
];

/**
 * Returns domains that are distinct for Envoy. Each domain is written twice, with and without `:port`; domains with
 * equal written forms are one. Returns the given list if all are distinct, which is the usual case.
 */
export function distinctDomains(domains: readonly string[], port: number | null): readonly string[] {
  const distinct = [...new Set(domains.map((domain) => distinctDomain(domain, port)))];
  return distinct.length === domains.length && distinct.every((domain, index) => domain === domains[index])
    ? domains
    : distinct;
}

/** Returns a domain in lower case, without the port. An IPv6 address is in canonical form and in brackets. */
export function distinctDomain(domain: string, port: number | null): string {
  let text = domain.toLowerCase();
  if (!text.includes(':')) return text;
  if (ipVersion(text) === 6) return `[${canonicalIp(text)}]`;
  while (text.endsWith(`:${port}`)) text = text.slice(0, -`:${port}`.length);
  const address = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : '';
  return ipVersion(address) === 6 ? `[${canonicalIp(address)}]` : text;
}

/** Domains by service. Scopes share the lists. A long-lived service forgets the oldest list. */
const memo = new WeakMap<Service, Map<string, readonly string[]>>();

/** Maximum number of lists per service. Exceeding the number in use costs only memory. */
const maxRelations = 64;

/** Returns `reviews`, `reviews.shop` and `reviews.shop.svc`, as far as the client's resolver completes them. */
function shortened(host: string, clientDomain: string): readonly string[] {
  const tail = clientDomain.indexOf('.svc.');
  if (tail === -1) return withoutSharedTail(host, clientDomain);
  const suffix = clientDomain.slice(tail);
  if (!host.endsWith(suffix) || isWildcard(host)) return [];
  const qualified = host.slice(0, -suffix.length); // name.namespace
  const dot = qualified.indexOf('.');
  if (dot === -1) return [];
  const sameNamespace = qualified.slice(dot + 1) === clientDomain.slice(0, tail);
  return [...(sameNamespace ? [qualified.slice(0, dot)] : []), qualified, `${qualified}.svc`];
}

/** Returns the short forms outside Kubernetes: the host without the labels that end both host and domain. */
function withoutSharedTail(host: string, clientDomain: string): readonly string[] {
  const hostLabels = host.split('.');
  const domainLabels = clientDomain.split('.');
  let shared = 0;
  while (
    shared < hostLabels.length - 1 &&
    shared < domainLabels.length &&
    hostLabels.at(-1 - shared) === domainLabels.at(-1 - shared)
  ) {
    shared++;
  }
  if (shared === 0 || clientDomain === '') return [];
  const own = hostLabels.slice(0, -shared);
  const firstShared = hostLabels[hostLabels.length - shared] ?? '';
  return own.length === 2 ? [own.join('.'), `${own.join('.')}.${firstShared}`] : [own.join('.')];
}
