import type { AssignmentPlan } from '../plan/destination.ts';
import type { HostPlan } from '../plan/host.ts';
import { encodeCluster, encodeListener } from '../proto/json.ts';
import type { EncodedResource } from '../proto/resource.ts';
import { generateCluster, type NamedCluster } from './generators/clusters.ts';
import { generateListener, type NamedListener } from './generators/listeners.ts';
import type { ListenerPart } from './listener-table.ts';
import type { RouteShelves } from './route-table.ts';
import type { Shelf, Shelved } from './shelf.ts';
import { encodeVirtualHostPart, type HashedBytes, type VirtualHostPart } from './virtual-hosts.ts';

/** What all scopes share: one encoding of equal content. */
export interface Shelves extends RouteShelves {
  readonly clusters: Shelf<EncodedResource>;
  readonly listeners: Shelf<EncodedResource>;
  /** Routes of virtual hosts. */
  readonly bodies: Shelf<HashedBytes>;
}

/** A host plan, encoded. Holds its shelved parts until `releaseParts`. */
export interface HostParts {
  readonly clusters: readonly Shelved<EncodedResource>[];
  readonly assignments: readonly AssignmentPlan[];
  readonly virtualHosts: readonly VirtualHostPart[];
  readonly listeners: readonly ListenerPart[];
  readonly listenerHolds: readonly Shelved<EncodedResource>[];
  readonly origins: readonly string[];
}

export const noParts: HostParts = {
  clusters: [],
  assignments: [],
  virtualHosts: [],
  listeners: [],
  listenerHolds: [],
  origins: [],
};

/** Encodes a plan, all or nothing. Throws when a value does not fit its message; nothing is held then. */
export function encodeHost(plan: HostPlan, shelves: Shelves): HostParts {
  const clusters: Shelved<EncodedResource>[] = [];
  const virtualHosts: VirtualHostPart[] = [];
  const listeners: ListenerPart[] = [];
  const listenerHolds: Shelved<EncodedResource>[] = [];
  const parts = (): HostParts => ({
    clusters,
    assignments: plan.destinations.flatMap(({ endpoints }) =>
      endpoints.type === 'assigned' ? [endpoints.assignment] : [],
    ),
    virtualHosts,
    listeners,
    listenerHolds,
    origins: originsOf(plan),
  });
  try {
    for (const destination of plan.destinations) clusters.push(takeCluster(generateCluster(destination), shelves));
    for (const host of plan.virtualHosts) virtualHosts.push(encodeVirtualHostPart(host, shelves.bodies));
    for (const listener of plan.listeners) {
      const held = takeListener(generateListener(listener), shelves);
      const { name, traffic, createdAtMs, origins } = listener;
      const isHttp = traffic.type === 'http';
      listenerHolds.push(held);
      listeners.push({ name, host: plan.host, isHttp, createdAtMs, resource: held.value, origins });
    }
    return parts();
  } catch (error) {
    releaseParts(parts(), shelves);
    throw error;
  }
}

export function releaseParts(parts: HostParts, shelves: Shelves): void {
  for (const cluster of parts.clusters) shelves.clusters.release(cluster);
  for (const { body } of parts.virtualHosts) shelves.bodies.release(body);
  for (const listener of parts.listenerHolds) shelves.listeners.release(listener);
}

export const takeCluster = (json: NamedCluster, { clusters }: Pick<Shelves, 'clusters'>): Shelved<EncodedResource> =>
  clusters.take(JSON.stringify(json), () => encodeCluster(json));

export const takeListener = (
  json: NamedListener,
  { listeners }: Pick<Shelves, 'listeners'>,
): Shelved<EncodedResource> => listeners.take(JSON.stringify(json), () => encodeListener(json));

/** Every rule and service that a plan was made of. */
export function originsOf({ destinations, virtualHosts, listeners }: HostPlan): readonly string[] {
  return [...new Set([...destinations, ...virtualHosts, ...listeners].flatMap(({ origins }) => origins))];
}
