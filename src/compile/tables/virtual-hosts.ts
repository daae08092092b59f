import type { VirtualHostPlan } from '../../plan/route.ts';
import { checkVirtualHost } from '../../proto/json.ts';
import { bytesField, stringField } from '../../proto/wire.ts';
import type { ContentPool, Pooled } from '../content-pool.ts';
import { distinctDomain, distinctDomains } from '../resolve/domains.ts';
import { type HashedBytes, hashed, type Writer } from '../writer.ts';

/**
 * Claim of a host to a virtual host, with encoded routes. Name and domains are written before them once they are known.
 * The plan's domains are distinct for Envoy, so those of several hosts conflict only if they are equal.
 */
export interface VirtualHostPart {
  readonly plan: Omit<VirtualHostPlan, 'routes'>;
  readonly body: Pooled<HashedBytes>;
}

/** Virtual host in the tables of a scope. */
export interface VirtualHost {
  part: VirtualHostPart;
  /** Record in the route configuration; null while other hosts own all its domains. */
  record: Pooled<HashedBytes> | null;
}

/**
 * Encodes a virtual host without name and domains. Throws on a value that the message cannot hold, or that Envoy
 * rejects.
 */
export function encodeVirtualHostPart(virtualHost: VirtualHostPlan, writer: Writer): VirtualHostPart {
  const { routes: _, ...claim } = virtualHost;
  const { port } = claim;
  const plan = {
    ...claim,
    ownDomain: distinctDomain(claim.ownDomain, port),
    domains: distinctDomains(claim.domains, port),
  };
  checkVirtualHost(plan);
  return { plan, body: writer.virtualHostBody(virtualHost) };
}

/**
 * Writes one value of `RouteConfiguration.virtual_hosts` (field 2): name (1) and domains (2) before the body. The
 * fields are in order, so that the bytes are those of the general encoder.
 */
export function virtualHostRecord(
  { plan, body }: VirtualHostPart,
  domains: readonly string[],
  pool: ContentPool<HashedBytes>,
): Pooled<HashedBytes> {
  return pool.acquire(`${plan.name}\n${domains.join()}\n${body.value.hash}`, () => {
    const written = domains.flatMap((domain) => [domain, ...withPort(domain, plan.port)]);
    const fields = [stringField(1, plan.name), ...written.map((domain) => stringField(2, domain)), body.value.bytes];
    return hashed(bytesField(2, Buffer.concat(fields)));
  });
}

/** Returns the domain with the port; none for `*`, which matches every port, and for complete domains. */
const withPort = (domain: string, port: number | null): readonly string[] =>
  domain === '*' || port === null ? [] : [`${domain}:${port}`];

/** Orders claims to a domain: the host of that name first, then the oldest. */
export function compareClaims(domain: string, a: VirtualHost, b: VirtualHost): number {
  const [first, second] = [a.part.plan, b.part.plan];
  return (
    Number(second.ownDomain === domain) - Number(first.ownDomain === domain) ||
    first.createdAtMs - second.createdAtMs ||
    (first.name < second.name ? -1 : first.name > second.name ? 1 : 0)
  );
}

/** Returns true if the requests of a route configuration name their port. All its virtual hosts agree. */
export function namesPorts(hosts: Iterable<VirtualHost>): boolean {
  for (const { part } of hosts) return part.plan.port === null;
  return false;
}
