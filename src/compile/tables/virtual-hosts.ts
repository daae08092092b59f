import type { VirtualHostPlan } from '../../plan/route.ts';
import { checkVirtualHost } from '../../proto/json.ts';
import { bytesField, stringField } from '../../proto/wire.ts';
import type { ContentPool, Pooled } from '../content-pool.ts';
import { distinctDomain, distinctDomains } from '../resolve/domains.ts';
import { type HashedBytes, hashed, type Writer } from '../writer.ts';

/**
 * A host's wish for a virtual host, its routes encoded. Name and domains are written in front once they are known. The
 * plan's domains are distinct as Envoy tells them apart: those of several hosts clash only where they are equal.
 */
export interface VirtualHostPart {
  readonly plan: Omit<VirtualHostPlan, 'routes'>;
  readonly body: Pooled<HashedBytes>;
}

/** A virtual host in the tables of a scope. */
export interface VirtualHost {
  part: VirtualHostPart;
  /** The record that stands in the route configuration; `null` while all its domains belong to others. */
  record: Pooled<HashedBytes> | null;
}

/** Encodes what a virtual host has besides name and domains. Throws on a value that the message cannot hold, or that Envoy rejects. */
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
 * One value of `RouteConfiguration.virtual_hosts` (field 2): name (1) and domains (2) before the body, so that the
 * fields are in order and the bytes are those of the general encoder.
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

/** Not for `*`, which matches every port as it is. */
const withPort = (domain: string, port: number): readonly string[] => (domain === '*' ? [] : [`${domain}:${port}`]);

/** Orders claims to a domain: the host of that name first, then the oldest. */
export function compareClaims(domain: string, a: VirtualHost, b: VirtualHost): number {
  const [first, second] = [a.part.plan, b.part.plan];
  return (
    Number(second.ownDomain === domain) - Number(first.ownDomain === domain) ||
    first.createdAtMs - second.createdAtMs ||
    (first.name < second.name ? -1 : first.name > second.name ? 1 : 0)
  );
}
