import type { Endpoint, EndpointSet } from '../model/endpoint.ts';
import type { Service, ServicePort } from '../model/service.ts';
import { equalValues, sameElements } from './equal.ts';

/**
 * Selects the service for one hostname of one namespace. Kubernetes takes precedence, so that no other registry can
 * claim its names; then the oldest service, then the first shard. Kubernetes services of several clusters become one
 * service with all their virtual addresses. Services of other registries become one with all their ports and aliases.
 * `candidates` are ordered by precedence and not empty.
 */
export function mergeServices(candidates: readonly Service[], previous: Service | undefined): Service | undefined {
  const [winner, ...others] = byPrecedence(candidates);
  if (winner === undefined) return undefined;
  const merged = isKubernetes(winner)
    ? withAddressesOf(winner, others.filter(isKubernetes))
    : withPortsOf(
        winner,
        others.filter((other) => canJoin(winner, other)),
      );
  return previous !== undefined && equalValues(previous, merged) ? previous : merged;
}

/** Port of a candidate that is not served. */
export interface PortConflict {
  readonly service: Service;
  readonly message: string;
}

/** Returns the ports of candidates whose number another port of the merged service has. */
export function portConflicts(candidates: readonly Service[]): readonly PortConflict[] {
  const [winner, ...others] = byPrecedence(candidates);
  if (winner === undefined || isKubernetes(winner)) return [];
  const joining = others.filter((other) => canJoin(winner, other));
  const kept = joinedPorts(winner, joining);
  return joining.flatMap((service) =>
    service.ports.flatMap(({ name, number }) => {
      if (kept.some((port) => port.name === name)) return [];
      const holder = kept.find((port) => port.number === number)?.name;
      const message = `port ${number} (${name}) is left out, because another adapter's port ${holder} has that number`;
      return [{ service, message }];
    }),
  );
}

const byPrecedence = (candidates: readonly Service[]): readonly Service[] =>
  candidates.toSorted((a, b) => Number(isKubernetes(b)) - Number(isKubernetes(a)) || a.createdAtMs - b.createdAtMs);

const isKubernetes = (service: Service): boolean => service.registry === 'kubernetes';

/** Reports whether both services are lists of endpoints, so that those of one can serve ports of the other. */
const canJoin = (winner: Service, other: Service): boolean =>
  [winner, other].every(({ resolution, aliasOf }) => resolution === 'static' && aliasOf === null);

function withAddressesOf(winner: Service, others: readonly Service[]): Service {
  const vips = [...new Set([winner, ...others].flatMap((service) => service.vips))];
  return sameElements(vips, winner.vips) ? winner : { ...winner, vips };
}

function withPortsOf(winner: Service, others: readonly Service[]): Service {
  if (others.length === 0) return winner;
  const ports = joinedPorts(winner, others);
  const aliases = [...new Set([winner, ...others].flatMap((service) => service.aliases))];
  return sameElements(ports, winner.ports) && sameElements(aliases, winner.aliases)
    ? winner
    : { ...winner, ports, aliases };
}

/** Adds the ports whose name and number are free. */
function joinedPorts(winner: Service, others: readonly Service[]): readonly ServicePort[] {
  const ports = [...winner.ports];
  for (const port of others.flatMap((other) => other.ports)) {
    const isTaken = ports.some(({ name, number }) => name === port.name || number === port.number);
    if (!isTaken) ports.push(port);
  }
  return ports;
}

/** Builds the merged set of a service. An equal one is `previous` itself. */
export function mergedSet(
  { namespace, hostname }: Service,
  endpoints: readonly Endpoint[],
  previous: EndpointSet | undefined,
): EndpointSet {
  if (previous !== undefined && sameElements(previous.endpoints, endpoints)) return previous;
  return { namespace, hostname, endpoints };
}
