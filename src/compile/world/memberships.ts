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
  /** A service stands as often as it has endpoints there. Nearly always that is once and no other does: then without a list. */
  const byAddress = new Map<string, ServiceKey | ServiceKey[]>();
  const asked = new Set<string>();

  const at = (address: string): readonly ServiceKey[] => [byAddress.get(address) ?? []].flat();

  /** The very string that stands in the index: each change brings a copy of its own, and they would all be kept. */
  const asKnown = (service: ServiceKey, before: readonly Endpoint[]): ServiceKey =>
    at(before[0]?.address ?? '').find((key) => key === service) ?? service;

  const add = (address: string, service: ServiceKey) => {
    const services = byAddress.get(address);
    if (services === undefined) byAddress.set(address, service);
    else if (typeof services === 'string') byAddress.set(address, [services, service]);
    else services.push(service);
  };

  const remove = (address: string, service: ServiceKey) => {
    const services = byAddress.get(address);
    if (services === undefined) return;
    if (services === service) byAddress.delete(address);
    if (typeof services === 'string') return;
    const index = services.indexOf(service);
    if (index >= 0) services.splice(index, 1);
    if (services.length === 0) byAddress.delete(address);
  };

  return {
    servicesAt: (address) => new Set(at(address)),
    replace(service, before, after) {
      const kept = new Set(after);
      const known = new Set(before);
      const gone = before.filter((endpoint) => !kept.has(endpoint));
      const added = after.filter((endpoint) => !known.has(endpoint));
      const key = asKnown(service, before);
      for (const { address } of gone) remove(address, key);
      for (const { address } of added) add(address, key);
      const goneKeys = gone.filter(({ address }) => asked.has(address)).map(servedPorts);
      const addedKeys = added.filter(({ address }) => asked.has(address)).map(servedPorts);
      return goneKeys.sort().join() !== addedKeys.sort().join();
    },
    ask: (address) => void asked.add(address),
    isAskedAbout: (endpoints) => asked.size > 0 && endpoints.some(({ address }) => asked.has(address)),
  };
}

const servedPorts = ({ address, ports }: Endpoint): string => JSON.stringify([address, Object.entries(ports).sort()]);
