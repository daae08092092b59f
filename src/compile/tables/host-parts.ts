import { isDeepStrictEqual } from 'node:util';
import { contentHash } from '../../lib/hash.ts';
import type { AssignmentPlan } from '../../plan/destination.ts';
import type { HostPlan } from '../../plan/host.ts';
import type { ListenerPlan } from '../../plan/listener.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import { noPatch, type Patch } from '../patch.ts';
import type { Shelf, Shelved } from '../shelf.ts';
import type { Writer, WriterShelves } from '../writer.ts';
import type { ListenerPart } from './listener-table.ts';
import type { OriginIndex } from './origin-index.ts';
import { madeOf } from './part-error.ts';
import type { RouteShelves } from './route-table.ts';
import { encodeVirtualHostPart, type VirtualHostPart } from './virtual-hosts.ts';

/** What all scopes share: one encoding of equal content. */
export interface Shelves extends RouteShelves, WriterShelves {
  /** All of a host at once: scopes that are told the same of it share the objects, too. */
  readonly hosts: Shelf<HostParts>;
  /** Of all that stands in `hosts`. */
  readonly origins: OriginIndex<string>;
}

/** A host plan, encoded. Holds its shelved parts until nobody uses it. */
export interface HostParts {
  readonly host: string;
  readonly clusters: readonly Shelved<EncodedResource>[];
  readonly assignments: readonly AssignmentPlan[];
  readonly virtualHosts: readonly VirtualHostPart[];
  readonly listeners: readonly ListenerPart[];
  readonly listenerHolds: readonly Shelved<EncodedResource>[];
  /** What they were patched by when they were made; scopes with other patches that come to the same share them. */
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
  listenerHolds: [],
  patch: noPatch,
  destinationOrigins: [],
  origins: [],
};

/** What a host has that is not known yet. Outlives every release. */
export const noHost: Shelved<HostParts> = { key: '', value: noParts, users: Number.POSITIVE_INFINITY };

interface HostWriting {
  readonly writer: Writer;
  readonly shelves: Shelves;
}

/**
 * Encodes a plan, all or nothing. Throws a PartError when a value does not fit its message, or Envoy would reject it; nothing is
 * held then. The caller releases it with `releaseHost`. Listeners that are as they were `before` are taken from there: a headless
 * service has one for each endpoint.
 */
export function encodeHost(plan: HostPlan, before: HostParts, { writer, shelves }: HostWriting): Shelved<HostParts> {
  const parts = encodeParts(plan, before, { writer, shelves });
  const shelved = shelves.hosts.take(partsKey(parts), () => parts);
  if (shelved.value !== parts) releaseParts(parts, shelves);
  else shelves.origins.add(parts.host, parts.origins);
  return shelved;
}

export function releaseHost(host: Shelved<HostParts>, shelves: Shelves): void {
  if (!shelves.hosts.release(host)) return;
  shelves.origins.remove(host.value.host, host.value.origins);
  releaseParts(host.value, shelves);
}

function encodeParts(plan: HostPlan, before: HostParts, { writer, shelves }: HostWriting): HostParts {
  const clusters: Shelved<EncodedResource>[] = [];
  const virtualHosts: VirtualHostPart[] = [];
  const listeners: ListenerPart[] = [];
  const listenerHolds: Shelved<EncodedResource>[] = [];
  const parts = (): HostParts => ({
    host: plan.host,
    clusters,
    assignments: plan.destinations.flatMap(({ endpoints }) =>
      endpoints.type === 'assigned' ? [endpoints.assignment] : [],
    ),
    virtualHosts,
    listeners,
    listenerHolds,
    patch: writer.patch,
    destinationOrigins: distinctOrigins(plan.destinations),
    origins: originsOf(plan),
  });
  try {
    for (const destination of plan.destinations) {
      clusters.push(madeOf(destination, () => writer.cluster(destination)));
    }
    for (const host of plan.virtualHosts) {
      virtualHosts.push(madeOf(host, () => encodeVirtualHostPart(host, writer)));
    }
    const known = before.patch === writer.patch ? knownListeners(before) : noneKnown;
    for (const listener of plan.listeners) {
      const same = known.find(listener);
      if (same !== null) {
        listenerHolds.push(shelves.listeners.retain(same.held));
        listeners.push(same.part);
        continue;
      }
      const held = madeOf(listener, () => writer.listener(listener));
      const { name, traffic, takesAnyAddress, createdAtMs, origins } = listener;
      const isHttp = traffic.type === 'http';
      const part = { name, host: plan.host, isHttp, isAlias: false, takesAnyAddress, createdAtMs, origins };
      listenerHolds.push(held);
      listeners.push(withContent({ ...part, resource: held.value, plan: listener }));
    }
    for (const target of plan.targets) {
      const held = madeOf(target, () => writer.target(target));
      const { name, isAlias, createdAtMs, origins } = target;
      const part = { name, host: plan.host, isHttp: false, isAlias, takesAnyAddress: false, createdAtMs, origins };
      listenerHolds.push(held);
      listeners.push(withContent({ ...part, resource: held.value, plan: null }));
    }
    return parts();
  } catch (error) {
    releaseParts(parts(), shelves);
    throw error;
  }
}

/** Everything that tells a listener of a host from others, bytes by their version. */
function withContent(part: Omit<ListenerPart, 'content'>): ListenerPart {
  const { resource, plan: _, ...rest } = part;
  return { ...part, content: contentHash(JSON.stringify([rest, resource.version])) };
}

/** Finds the listener of an equal plan among parts. */
function knownListeners({ listeners, listenerHolds }: HostParts) {
  const known = new Map(listeners.map((part, index) => [part.name, { part, held: listenerHolds[index] }]));
  const hasSameTraffic = comparedOnce<ListenerPlan['traffic']>();
  const hasSameOrigins = comparedOnce<ListenerPlan['origins']>();
  const isSame = (a: ListenerPlan, b: ListenerPlan) =>
    a.bind === b.bind &&
    a.port === b.port &&
    a.bindsToPort === b.bindsToPort &&
    a.takesAnyAddress === b.takesAnyAddress &&
    a.createdAtMs === b.createdAtMs &&
    a.alsoBinds.join() === b.alsoBinds.join() &&
    hasSameTraffic(a.traffic, b.traffic) &&
    hasSameOrigins(a.origins, b.origins);
  return {
    find(plan: ListenerPlan) {
      const { part, held } = known.get(plan.name) ?? {};
      if (part?.plan == null || held === undefined) return null;
      return isSame(part.plan, plan) ? { part, held } : null;
    },
  };
}

const noneKnown: ReturnType<typeof knownListeners> = { find: () => null };

/** Compares values deeply, and pairs that were compared last not again: the listeners of a port share theirs. */
function comparedOnce<T extends object>(): (a: T, b: T) => boolean {
  let last: { readonly a: T; readonly b: T; readonly isSame: boolean } | null = null;
  return (a, b) => {
    if (last?.a !== a || last.b !== b) last = { a, b, isSame: a === b || isDeepStrictEqual(a, b) };
    return last.isSame;
  };
}

function releaseParts(parts: HostParts, shelves: Shelves): void {
  for (const cluster of parts.clusters) shelves.clusters.release(cluster);
  for (const { body } of parts.virtualHosts) shelves.bodies.release(body);
  for (const listener of parts.listenerHolds) shelves.listeners.release(listener);
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
export function originsOf({ destinations, virtualHosts, listeners, targets }: HostPlan): readonly string[] {
  return distinctOrigins([...destinations, ...virtualHosts, ...listeners, ...targets]);
}

const distinctOrigins = (parts: readonly { readonly origins: readonly string[] }[]): readonly string[] => [
  ...new Set(parts.flatMap(({ origins }) => origins)),
];
