import { contentHash } from '../../lib/hash.ts';
import { type AssignmentPlan, type DestinationPlan, isPlaced } from '../../plan/destination.ts';
import type { HostPlan } from '../../plan/host.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import type { ContentPool, Pooled } from '../content-pool.ts';
import { noPatch, type Patch } from '../patch.ts';
import type { Writer, WriterPools } from '../writer.ts';
import { encodeChain, knownChains, retainChain } from './chain-parts.ts';
import { type ListenerPart, releaseListenerPart } from './listener-parts.ts';
import type { OriginIndex } from './origin-index.ts';
import { withOrigins } from './part-error.ts';
import type { RoutePools } from './route-table.ts';
import { encodeTarget } from './target-parts.ts';
import { encodeVirtualHostPart, type VirtualHostPart } from './virtual-hosts.ts';

/** Pools shared by all scopes: equal content is encoded once. */
export interface ContentPools extends RoutePools, WriterPools {
  /** Whole hosts. Scopes in which a host is equal share its objects. */
  readonly hosts: ContentPool<HostParts>;
  /** Origins of everything in `hosts`. */
  readonly origins: OriginIndex<string>;
}

/** Encoded host plan. It retains its pooled parts until its last user releases it. */
export interface HostParts {
  readonly host: string;
  readonly clusters: readonly Pooled<EncodedResource>[];
  /** Assignments that are equal for all clients of a scope. */
  readonly assignments: readonly AssignmentPlan[];
  /** Destinations whose clusters depend on the place of clients. They can be encoded. */
  readonly placedDestinations: readonly DestinationPlan[];
  /** Assignments that depend on the place of clients. */
  readonly placedAssignments: readonly AssignmentPlan[];
  readonly virtualHosts: readonly VirtualHostPart[];
  readonly listeners: readonly ListenerPart[];
  /** Patch of the parts. Scopes whose patches give equal results share them. */
  readonly patch: Patch;
  /** Origins of clusters and assignments. */
  readonly destinationOrigins: readonly string[];
  /** Origins of all parts. */
  readonly origins: readonly string[];
}

const noParts: HostParts = {
  host: '',
  clusters: [],
  assignments: [],
  placedDestinations: [],
  placedAssignments: [],
  virtualHosts: [],
  listeners: [],
  patch: noPatch,
  destinationOrigins: [],
  origins: [],
};

/** Parts of an unknown host. Never released. */
export const noHostParts: Pooled<HostParts> = { key: '', value: noParts, users: Number.POSITIVE_INFINITY };

interface HostWriting {
  readonly writer: Writer;
  readonly pools: ContentPools;
}

/**
 * Encodes a plan completely or not at all. Throws a PartError if a value does not fit its message or Envoy would reject
 * it; nothing is retained then. The caller must call `releaseHost`. Chains that are equal in `before` are reused: a
 * headless service has one for each endpoint.
 */
export function encodeHost(plan: HostPlan, before: HostParts, { writer, pools }: HostWriting): Pooled<HostParts> {
  const parts = encodeParts(plan, before, { writer, pools });
  const pooled = pools.hosts.acquire(partsKey(parts), () => parts);
  if (pooled.value !== parts) releaseParts(parts, pools);
  else pools.origins.add(parts.host, parts.origins);
  return pooled;
}

export function releaseHost(host: Pooled<HostParts>, pools: ContentPools): void {
  if (!pools.hosts.release(host)) return;
  pools.origins.remove(host.value.host, host.value.origins);
  releaseParts(host.value, pools);
}

function encodeParts(plan: HostPlan, before: HostParts, { writer, pools }: HostWriting): HostParts {
  const clusters: Pooled<EncodedResource>[] = [];
  const virtualHosts: VirtualHostPart[] = [];
  const listeners: ListenerPart[] = [];
  const assignments = plan.destinations.flatMap(({ endpoints }) =>
    endpoints.type === 'assigned' ? [endpoints.assignment] : [],
  );
  const parts = (): HostParts => ({
    host: plan.host,
    clusters,
    assignments: assignments.filter(({ locality }) => locality === null),
    placedDestinations: plan.destinations.filter(isPlaced),
    placedAssignments: assignments.filter(({ locality }) => locality !== null),
    virtualHosts,
    listeners,
    patch: writer.patch,
    destinationOrigins: distinctOrigins(plan.destinations),
    origins: originsOf(plan),
  });
  try {
    for (const destination of plan.destinations) {
      const cluster = withOrigins(destination, () => writer.cluster(destination));
      if (isPlaced(destination)) pools.clusters.release(cluster);
      else clusters.push(cluster);
    }
    for (const host of plan.virtualHosts) {
      virtualHosts.push(withOrigins(host, () => encodeVirtualHostPart(host, writer)));
    }
    const known = knownChains(before.patch === writer.patch ? before.listeners : []);
    for (const chain of plan.chains) {
      const same = known.find(chain);
      listeners.push(same === null ? encodeChain(chain, plan.host, writer) : retainChain(same, pools));
    }
    for (const target of plan.targets) listeners.push(encodeTarget(target, plan.host, writer));
    return parts();
  } catch (error) {
    releaseParts(parts(), pools);
    throw error;
  }
}

function releaseParts(parts: HostParts, pools: ContentPools): void {
  for (const cluster of parts.clusters) pools.clusters.release(cluster);
  for (const { body } of parts.virtualHosts) pools.bodies.release(body);
  for (const part of parts.listeners) releaseListenerPart(part, pools);
}

/** Returns the key of parts: all their properties, with versions in place of bytes. */
function partsKey({ host, clusters, assignments, virtualHosts, listeners, ...rest }: HostParts): string {
  const content = [
    host,
    clusters.map(({ value }) => [value.name, value.version]),
    assignments,
    rest.placedDestinations,
    rest.placedAssignments,
    virtualHosts.map(({ plan, body }) => [plan, body.value.hash]),
    listeners.map(({ content }) => content),
    rest.destinationOrigins,
    rest.origins,
  ];
  return contentHash(JSON.stringify(content));
}

/** Returns the rules and services of a plan. */
export function originsOf({ destinations, virtualHosts, chains, targets }: HostPlan): readonly string[] {
  return distinctOrigins([...destinations, ...virtualHosts, ...chains, ...targets]);
}

const distinctOrigins = (parts: readonly { readonly origins: readonly string[] }[]): readonly string[] => [
  ...new Set(parts.flatMap(({ origins }) => origins)),
];
