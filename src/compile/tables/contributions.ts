import type { EncodedResource } from '../../proto/resource.ts';
import type { Pooled } from '../content-pool.ts';
import type { HostParts } from './host-parts.ts';
import type { ListenerPart } from './listener-parts.ts';
import type { VirtualHostPart } from './virtual-hosts.ts';

/** Revision of the last change of a unit's parts, per type. Other parts of the same resource do not count. */
export interface PartRevisions {
  readonly cluster: number;
  readonly route: number;
  readonly listener: number;
}

export const noRevisions: PartRevisions = { cluster: 0, route: 0, listener: 0 };

/** Returns the revisions of new parts. Unchanged parts keep their revision. */
export function partRevisions(
  { parts: before, since }: { readonly parts: HostParts; readonly since: PartRevisions },
  after: HostParts,
  revision: number,
): PartRevisions {
  return {
    cluster: haveSameDestinations(before, after) ? since.cluster : revision,
    route: isSameList(before.virtualHosts, after.virtualHosts, isSameVirtualHost) ? since.route : revision,
    listener: isSameList(before.listeners, after.listeners, isSameContent) ? since.listener : revision,
  };
}

const haveSameDestinations = (before: HostParts, after: HostParts): boolean =>
  isSameList(before.clusters, after.clusters, isSamePooled) && placedContent(before) === placedContent(after);

const placedContent = ({ placedDestinations, placedAssignments }: HostParts): string =>
  placedDestinations.length + placedAssignments.length === 0
    ? ''
    : JSON.stringify([placedDestinations, placedAssignments]);

/** Contribution of one host to a resource. */
export interface HostContribution {
  readonly type: 'cluster' | 'endpoint' | 'listener' | 'route';
  readonly name: string;
  /** Virtual host of a route configuration. */
  readonly part?: string;
  readonly since: number;
}

/** Host in a scope. Its functions return false for a part that lost its place to a part of another host. */
export interface InstalledHost {
  readonly parts: HostParts;
  readonly since: PartRevisions;
  hasVirtualHost(part: VirtualHostPart): boolean;
  hasListener(part: ListenerPart): boolean;
}

/** Yields the resources of a host to which `origin` contributed. */
export function* contributionsOf(host: InstalledHost, origin: string): Generator<HostContribution> {
  const { since, parts } = host;
  if (parts.destinationOrigins.includes(origin)) {
    for (const { value } of parts.clusters) yield { type: 'cluster', name: value.name, since: since.cluster };
    for (const { name } of parts.assignments) yield { type: 'endpoint', name, since: since.cluster };
  }
  for (const part of parts.virtualHosts) {
    if (!part.plan.origins.includes(origin) || !host.hasVirtualHost(part)) continue;
    yield { type: 'route', name: part.plan.routeConfiguration, part: part.plan.name, since: since.route };
  }
  const listeners = parts.listeners.filter((part) => part.plan.origins.includes(origin) && host.hasListener(part));
  for (const name of new Set(listeners.map((part) => part.name))) {
    yield { type: 'listener', name, since: since.listener };
  }
}

export function isSameList<T>(before: readonly T[], after: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  if (before === after) return true;
  return (
    before.length === after.length &&
    before.every((item, index) => {
      const other = after[index];
      return other !== undefined && isSame(item, other);
    })
  );
}

export const isSamePooled = (a: Pooled<EncodedResource>, b: Pooled<EncodedResource>): boolean =>
  a === b || (a.value.name === b.value.name && a.value.version === b.value.version);

const isSameVirtualHost = (a: VirtualHostPart, b: VirtualHostPart): boolean =>
  a.body === b.body &&
  a.plan.name === b.plan.name &&
  a.plan.routeConfiguration === b.plan.routeConfiguration &&
  a.plan.domains.join() === b.plan.domains.join();

export const isSameContent = (a: { readonly content: string }, b: { readonly content: string }): boolean =>
  a === b || a.content === b.content;
