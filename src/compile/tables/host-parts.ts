import { contentHash } from '../../lib/hash.ts';
import type { AssignmentPlan } from '../../plan/destination.ts';
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
  /** All parts of a host together. Scopes in which a host is equal share its objects. */
  readonly hosts: ContentPool<HostParts>;
  /** Of all that stands in `hosts`. */
  readonly origins: OriginIndex<string>;
}

/** A host plan, encoded. Holds its shelved parts until nobody uses it. */
export interface HostParts {
  readonly host: string;
  readonly clusters: readonly Pooled<EncodedResource>[];
  readonly assignments: readonly AssignmentPlan[];
  readonly virtualHosts: readonly VirtualHostPart[];
  readonly listeners: readonly ListenerPart[];
  /** The patch they were made with. Scopes whose patches give equal results share them. */
  readonly patch: Patch;
  /** Of clusters and assignments. */
  readonly destinationOrigins: readonly string[];
  /** Of anything of it. */
  readonly origins: readonly string[];
}

const noParts: HostParts = {
  host: '',
  clusters: [],
  assignments: [],
  virtualHosts: [],
  listeners: [],
  patch: noPatch,
  destinationOrigins: [],
  origins: [],
};

/** Parts of a host that is not yet known. Never released. */
export const noHostParts: Pooled<HostParts> = { key: '', value: noParts, users: Number.POSITIVE_INFINITY };

interface HostWriting {
  readonly writer: Writer;
  readonly pools: ContentPools;
}

/**
 * Encodes a plan, all or nothing. Throws a PartError when a value does not fit its message, or Envoy would reject it; nothing is
 * held then. The caller releases it with `releaseHost`. Chains that are as they were `before` are taken from there: a headless
 * service has one for each endpoint.
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
  const parts = (): HostParts => ({
    host: plan.host,
    clusters,
    assignments: plan.destinations.flatMap(({ endpoints }) =>
      endpoints.type === 'assigned' ? [endpoints.assignment] : [],
    ),
    virtualHosts,
    listeners,
    patch: writer.patch,
    destinationOrigins: distinctOrigins(plan.destinations),
    origins: originsOf(plan),
  });
  try {
    for (const destination of plan.destinations) {
      clusters.push(withOrigins(destination, () => writer.cluster(destination)));
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

/** Everything that tells parts from each other, bytes by their versions. */
function partsKey({ host, clusters, assignments, virtualHosts, listeners, ...rest }: HostParts): string {
  const content = [
    host,
    clusters.map(({ value }) => [value.name, value.version]),
    assignments,
    virtualHosts.map(({ plan, body }) => [plan, body.value.hash]),
    listeners.map(({ content }) => content),
    rest.destinationOrigins,
    rest.origins,
  ];
  return contentHash(JSON.stringify(content));
}

/** Every rule and service that a plan was made of. */
export function originsOf({ destinations, virtualHosts, chains, targets }: HostPlan): readonly string[] {
  return distinctOrigins([...destinations, ...virtualHosts, ...chains, ...targets]);
}

const distinctOrigins = (parts: readonly { readonly origins: readonly string[] }[]): readonly string[] => [
  ...new Set(parts.flatMap(({ origins }) => origins)),
];
