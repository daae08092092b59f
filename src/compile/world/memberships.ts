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
  /** A service stands as often as it has endpoints there: nearly always there is one, and a list of one is small. */
  const byAddress = new Map<string, ServiceKey[]>();
  const asked = new Set<string>();

  const add = (address: string, service: ServiceKey) => {
    const services = byAddress.get(address);
    if (services === undefined) byAddress.set(address, [service]);
    else services.push(service);
  };

  const remove = (address: string, service: ServiceKey) => {
    const services = byAddress.get(address) ?? [];
    const index = services.indexOf(service);
    if (index >= 0) services.splice(index, 1);
    if (services.length === 0) byAddress.delete(address);
  };

  return {
    servicesAt: (address) => new Set(byAddress.get(address)),
    replace(service, before, after) {
      const kept = new Set(after);
      const known = new Set(before);
      const gone = before.filter((endpoint) => !kept.has(endpoint));
      const added = after.filter((endpoint) => !known.has(endpoint));
      for (const { address } of gone) remove(address, service);
      for (const { address } of added) add(address, service);
      const goneKeys = gone.filter(({ address }) => asked.has(address)).map(servedPorts);
      const addedKeys = added.filter(({ address }) => asked.has(address)).map(servedPorts);
      return goneKeys.sort().join() !== addedKeys.sort().join();
    },
    ask: (address) => void asked.add(address),
    isAskedAbout: (endpoints) => asked.size > 0 && endpoints.some(({ address }) => asked.has(address)),
  };
}

const servedPorts = ({ address, ports }: Endpoint): string => JSON.stringify([address, Object.entries(ports).sort()]);
