import type { Endpoint } from '../../model/endpoint.ts';
import type { Service, ServicePort } from '../../model/service.ts';

/** Contribution of one ServiceEntry to a host, in order of precedence. */
export interface HostDefinition<Source> {
  readonly source: Source;
  readonly service: Service;
}

/** Service of a host that several ServiceEntries define, with the differences between them. */
export interface MergedHost<Source> {
  readonly service: Service;
  readonly contributors: readonly Contributor<Source>[];
  readonly conflicts: readonly HostConflict<Source>[];
}

/** ServiceEntry whose endpoints count for the host. */
export interface Contributor<Source> {
  readonly source: Source;
  /** Names of the service's ports by the names of the entry's own; an absent name has no port. Null: equal names. */
  readonly portNames: ReadonlyMap<string, string> | null;
}

/** Part of a younger entry that an older one contradicts. `port` is null for the whole host. */
export interface HostConflict<Source> {
  readonly source: Source;
  readonly older: Source;
  readonly what: string;
}

/**
 * Merges the entries of one host in one namespace. The oldest decides everything that a service has only once. Younger
 * ones add ports, addresses and endpoints if they agree about resolution and visibility. Of ports with equal numbers,
 * the oldest one counts; the others are the same port if they have its protocol.
 */
export function mergeHosts<Source>(
  given: readonly [HostDefinition<Source>, ...HostDefinition<Source>[]],
): MergedHost<Source> {
  const [oldest, ...younger] = given;
  const conflicts: HostConflict<Source>[] = [];
  const agreeing = younger.filter(({ source, service }) => {
    const what = contradiction(oldest.service, service);
    if (what !== null) conflicts.push({ source, older: oldest.source, what });
    return what === null;
  });
  if (agreeing.length === 0) {
    return { service: oldest.service, contributors: [{ source: oldest.source, portNames: null }], conflicts };
  }
  const all = [oldest, ...agreeing];
  const { ports, contributors } = mergePorts(all, conflicts);
  const service = {
    ...oldest.service,
    ports,
    vips: distinct(all.flatMap(({ service: { vips } }) => vips)),
    subjectAltNames: distinct(all.flatMap(({ service: { subjectAltNames } }) => subjectAltNames ?? [])),
  };
  return { service, contributors, conflicts };
}

/** Renames the ports of endpoints; ports without a name in the service are dropped. */
export function withPortNames(
  endpoints: readonly Endpoint[],
  portNames: Contributor<unknown>['portNames'],
): readonly Endpoint[] {
  if (portNames === null) return endpoints;
  return endpoints.map((endpoint) => ({
    ...endpoint,
    ports: Object.fromEntries(
      Object.entries(endpoint.ports).flatMap(([own, number]) => {
        const name = portNames.get(own);
        return name === undefined ? [] : [[name, number]];
      }),
    ),
  }));
}

/** Names the first property in which an entry cannot join an older one; null if it can. */
function contradiction(older: Service, younger: Service): string | null {
  if (older.resolution !== younger.resolution) return 'resolution';
  return [...older.exportTo].sort().join() === [...younger.exportTo].sort().join() ? null : 'exportTo';
}

function mergePorts<Source>(
  all: readonly HostDefinition<Source>[],
  conflicts: HostConflict<Source>[],
): { readonly ports: readonly ServicePort[]; readonly contributors: readonly Contributor<Source>[] } {
  const byNumber = new Map<string, { readonly port: ServicePort; readonly source: Source }>();
  const names = new Set<string>();
  const contributors = all.map(({ source, service }) => {
    const portNames = new Map<string, string>();
    for (const port of service.ports) {
      const place = `${port.number}/${port.protocol === 'udp' ? 'udp' : 'tcp'}`;
      const known = byNumber.get(place);
      if (known === undefined) {
        const name = names.has(port.name) ? String(port.number) : port.name;
        names.add(name);
        byNumber.set(place, { port: name === port.name ? port : { ...port, name }, source });
        portNames.set(port.name, name);
      } else if (known.port.protocol === port.protocol) portNames.set(port.name, known.port.name);
      else conflicts.push({ source, older: known.source, what: `the protocol of port ${port.number}` });
    }
    const isUnchanged = service.ports.every(({ name }) => portNames.get(name) === name);
    return { source, portNames: isUnchanged ? null : portNames };
  });
  return { ports: [...byNumber.values()].map(({ port }) => port), contributors };
}

const distinct = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];
