import type { Endpoint } from '../../model/endpoint.ts';
import type { ServiceKey } from '../../model/names.ts';

/** Endpoint of a service. */
export interface Member {
  readonly service: ServiceKey;
  readonly endpoint: Endpoint;
}

/**
 * Services, ports and labels of workloads by address, derived from endpoints, ready or not. A proxy at the address must
 * accept calls to them.
 */
export interface Workloads {
  /** Returns every endpoint at the address, in no order. */
  at(address: string): readonly Member[];
  /** Replaces the endpoints of a service. Returns the addresses of connected proxies whose served ports changed. */
  replace(service: ServiceKey, before: readonly Endpoint[], after: readonly Endpoint[]): Iterable<string>;
}

/** Creates an index of workloads. `hasProxy` returns true for an address of a connected proxy. */
export function createWorkloads(hasProxy: (address: string) => boolean): Workloads {
  /** Endpoints by address. A single one, the usual case, has no list. */
  const byAddress = new Map<string, Member | Member[]>();

  const at = (address: string): readonly Member[] => [byAddress.get(address) ?? []].flat();

  /**
   * Returns the interned key. Each change has its own copy of the string, and storing all copies would waste memory.
   */
  const internedKey = (service: ServiceKey, before: readonly Endpoint[]): ServiceKey =>
    at(before[0]?.address ?? '').find((member) => member.service === service)?.service ?? service;

  const add = (member: Member) => {
    const { address } = member.endpoint;
    const members = byAddress.get(address);
    if (members === undefined) byAddress.set(address, member);
    else if (Array.isArray(members)) members.push(member);
    else byAddress.set(address, [members, member]);
  };

  const remove = (service: ServiceKey, endpoint: Endpoint) => {
    const left = at(endpoint.address).filter((it) => it.endpoint !== endpoint || it.service !== service);
    const [only, ...others] = left;
    if (only === undefined) byAddress.delete(endpoint.address);
    else byAddress.set(endpoint.address, others.length === 0 ? only : [...left]);
  };

  return {
    at,
    replace(service, before, after) {
      const kept = new Set(after);
      const known = new Set(before);
      const gone = before.filter((endpoint) => !kept.has(endpoint));
      const added = after.filter((endpoint) => !known.has(endpoint));
      const key = internedKey(service, before);
      for (const endpoint of gone) remove(key, endpoint);
      for (const endpoint of added) add({ service: key, endpoint });
      const served = countServed(added.filter(({ address }) => hasProxy(address)));
      for (const endpoint of gone) if (hasProxy(endpoint.address)) count(served, endpoint, -1);
      return new Set([...served.values()].filter(({ times }) => times !== 0).map(({ address }) => address));
    },
  };
}

type Served = Map<string, { readonly address: string; times: number }>;

function countServed(endpoints: readonly Endpoint[]): Served {
  const served: Served = new Map();
  for (const endpoint of endpoints) count(served, endpoint, 1);
  return served;
}

/**
 * Counts an endpoint by its properties that matter to proxies. Health and weight do not matter. A departure or another
 * workload matters if another service has the port.
 */
function count(served: Served, endpoint: Endpoint, times: 1 | -1): void {
  const { address, ports, health, workload, locality } = endpoint;
  const key = JSON.stringify([address, Object.entries(ports).sort(), health === 'departed', workload, locality]);
  const known = served.get(key);
  if (known === undefined) served.set(key, { address, times });
  else known.times += times;
}
