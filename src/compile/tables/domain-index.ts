import { compareClaims, type VirtualHost } from './virtual-hosts.ts';

/**
 * Owners of the domains of one route configuration. Clients reject a route configuration that has a domain twice.
 */
export interface DomainIndex {
  /** Adds or removes the claims of a virtual host. Returns the others that gained or lost a domain. */
  claim(host: VirtualHost): ReadonlySet<VirtualHost>;
  unclaim(host: VirtualHost): ReadonlySet<VirtualHost>;
  /** Returns the domains that a virtual host owns, of those that it claims. */
  owned(host: VirtualHost): readonly string[];
  has(domain: string): boolean;
  ownerOf(domain: string): VirtualHost | undefined;
  /** Returns the virtual hosts that claim a domain, its owner first. */
  claimsOf(domain: string): readonly VirtualHost[];
}

export function createDomainIndex(): DomainIndex {
  // Most domains are claimed once: only the others have a list, the owner first.
  const claims = new Map<string, VirtualHost | readonly VirtualHost[]>();
  const ownerOf = (domain: string): VirtualHost | undefined => {
    const found = claims.get(domain);
    return isList(found) ? found[0] : found;
  };
  const put = (domain: string, list: readonly VirtualHost[]) => {
    const [only, ...others] = list;
    if (only === undefined) claims.delete(domain);
    else claims.set(domain, others.length === 0 ? only : [...list].sort((a, b) => compareClaims(domain, a, b)));
  };
  const listOf = (domain: string): readonly VirtualHost[] => {
    const found = claims.get(domain);
    return isList(found) ? found : found === undefined ? [] : [found];
  };
  const change = (host: VirtualHost, next: (list: readonly VirtualHost[]) => readonly VirtualHost[]) => {
    const affected = new Set<VirtualHost>();
    for (const domain of host.part.plan.domains) {
      const before = ownerOf(domain);
      put(domain, next(listOf(domain)));
      const after = ownerOf(domain);
      if (before === after) continue;
      for (const other of [before, after]) if (other !== undefined && other !== host) affected.add(other);
    }
    return affected;
  };
  return {
    claim: (host) => change(host, (list) => [...list, host]),
    unclaim: (host) => change(host, (list) => list.filter((other) => other !== host)),
    owned: (host) => host.part.plan.domains.filter((domain) => ownerOf(domain) === host),
    has: (domain) => claims.has(domain),
    ownerOf,
    claimsOf: listOf,
  };
}

const isList = (found: VirtualHost | readonly VirtualHost[] | undefined): found is readonly VirtualHost[] =>
  Array.isArray(found);
