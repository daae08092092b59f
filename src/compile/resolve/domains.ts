import { canonicalIp, ipVersion } from '../../lib/ip.ts';
import { isWildcard } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { ClientFacts } from './client-facts.ts';

/**
 * The names under which clients call a service, without ports: its hostname and aliases, and `otherNames`, each with the
 * shortened forms that their resolver completes, for headless services the names of single endpoints too, and its virtual
 * addresses. Unique, the hostname first.
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
  const domains = [...new Set([...names, ...instances, ...addresses])];
  known.set(relation, domains);
  if (known.size > maxRelations) known.delete(known.keys().next().value ?? relation);
  return domains;
}

/** A host with the shortened forms that the resolver of the clients completes, the whole one first. */
export const namesOf = (host: string, clients: Pick<ClientFacts, 'domainFor'>): readonly string[] => [
  host,
  ...shortened(host, clients.domainFor([parentOf(host)])),
];

/** The parent domain of a host. */
const parentOf = (host: string): string => host.slice(host.indexOf('.') + 1);

/**
 * The virtual addresses of a service in one spelling, since Envoy takes two of one as a mistake. Ranges (`10.0.0.0/8`)
 * are left out: nobody writes those as a host.
 */
export const singleAddresses = ({ vips }: Service): readonly string[] => [
  ...new Set(vips.filter((vip) => !vip.includes('/')).map(canonicalIp)),
];

/**
 * Domains as Envoy tells them apart, each once. Every domain is written twice, as it is and with `:port` behind it; domains
 * that would give one written form are one. The list itself where nothing is to be done, which is nearly always.
 */
export function distinctDomains(domains: readonly string[], port: number): readonly string[] {
  const distinct = [...new Set(domains.map((domain) => distinctDomain(domain, port)))];
  return distinct.length === domains.length && distinct.every((domain, index) => domain === domains[index])
    ? domains
    : distinct;
}

/** A domain in lower case, without the port, an IPv6 address in its one spelling and in brackets. */
export function distinctDomain(domain: string, port: number): string {
  let text = domain.toLowerCase();
  if (!text.includes(':')) return text;
  if (ipVersion(text) === 6) return `[${canonicalIp(text)}]`;
  while (text.endsWith(`:${port}`)) text = text.slice(0, -`:${port}`.length);
  const address = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : '';
  return ipVersion(address) === 6 ? `[${canonicalIp(address)}]` : text;
}

/** Equal services share their domains between scopes, as values and as memory. A long-lived one forgets the oldest. */
const memo = new WeakMap<Service, Map<string, readonly string[]>>();

/** Of clients and other names to one service. More than there are in use at once cost only memory. */
const maxRelations = 64;

/** `reviews`, `reviews.shop` and `reviews.shop.svc`, as far as the client's resolver completes them. */
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

/** Outside Kubernetes: what is left when the labels that host and domain share at their ends are cut. */
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
