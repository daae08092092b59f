import type { Endpoint } from '../../model/endpoint.ts';
import type { ServiceKey } from '../../model/names.ts';

/** Which services an address serves: from it follows what a proxy beside that address must accept. */
export interface Memberships {
  servicesAt(address: string): Iterable<ServiceKey>;
  /** Replaces the endpoints of a service. True when an address that was asked about serves otherwise than before. */
  replace(service: ServiceKey, before: readonly Endpoint[], after: readonly Endpoint[]): boolean;
  /** Remembers that a proxy has this address, so that only changes of such addresses move proxies. */
  ask(address: string): void;
  isAskedAbout(endpoints: readonly Endpoint[]): boolean;
}

export function createMemberships(): Memberships {
  const byAddress = new Map<string, Map<ServiceKey, number>>();
  const asked = new Set<string>();

  const count = (address: string, service: ServiceKey, by: 1 | -1) => {
    const services = byAddress.get(address) ?? new Map<ServiceKey, number>();
    const now = (services.get(service) ?? 0) + by;
    if (now > 0) services.set(service, now);
    else services.delete(service);
    if (services.size > 0) byAddress.set(address, services);
    else byAddress.delete(address);
  };

  return {
    servicesAt: (address) => byAddress.get(address)?.keys() ?? [],
    replace(service, before, after) {
      const kept = new Set(after);
      const known = new Set(before);
      const gone = before.filter((endpoint) => !kept.has(endpoint));
      const added = after.filter((endpoint) => !known.has(endpoint));
      for (const { address } of gone) count(address, service, -1);
      for (const { address } of added) count(address, service, 1);
      const goneKeys = gone.filter(({ address }) => asked.has(address)).map(servedPorts);
      const addedKeys = added.filter(({ address }) => asked.has(address)).map(servedPorts);
      return goneKeys.sort().join() !== addedKeys.sort().join();
    },
    ask: (address) => void asked.add(address),
    isAskedAbout: (endpoints) => asked.size > 0 && endpoints.some(({ address }) => asked.has(address)),
  };
}

const servedPorts = ({ address, ports }: Endpoint): string => JSON.stringify([address, Object.entries(ports).sort()]);
