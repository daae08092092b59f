import { ipVersion } from '../../lib/ip.ts';
import type { Service } from '../../model/service.ts';
import type { IpFamilies } from '../../plan/ip-families.ts';
import type { ClientFacts } from './client-facts.ts';

/**
 * Returns the service as clients see it whose DNS the mesh answers: without addresses of its own, it has the allocated
 * ones of the clients' families. Other clients resolve the name to something else, and see the service itself.
 */
export function withAutoAddresses(
  service: Service,
  { capturesDns, families }: Pick<ClientFacts, 'capturesDns' | 'families'>,
): Service {
  const { autoAddresses } = service;
  if (!capturesDns || autoAddresses === undefined || service.vips.length > 0) return service;
  const known = memo.get(service) ?? new Map<IpFamilies, Service>();
  memo.set(service, known);
  const found = known.get(families) ?? {
    ...service,
    vips: autoAddresses.filter((address) => families === 'dual' || families === `ipv${ipVersion(address)}`),
  };
  known.set(families, found);
  return found;
}

/** By service and families. Scopes share the values, so that their plans are compared by identity. */
const memo = new WeakMap<Service, Map<IpFamilies, Service>>();
