import type { HostPlan } from '../plan/host.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import type { Dialect } from './dialect.ts';
import type { LayerParts } from './layer.ts';
import { resolveHost } from './resolve/host.ts';
import { createReader } from './resolve/reader.ts';
import type { Visibility } from './resolve/visibility.ts';
import type { ScopeFacts } from './scope-key.ts';
import type { Assignment, AssignmentUser } from './tables/assignments.ts';
import { partsSince } from './tables/contributions.ts';
import { encodeHost, type HostParts, noHost, originsOf, releaseHost } from './tables/host-parts.ts';
import type { ListenerTable } from './tables/listener-table.ts';
import { PartError } from './tables/part-error.ts';
import type { RouteTable } from './tables/route-table.ts';
import type { Shelved } from './tables/shelf.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { hostOfDep } from './world/dirty.ts';

/** The tables of a scope, as its hosts fill them. */
export interface ScopeTables {
  readonly tables: Tables;
  readonly routes: RouteTable;
  readonly listeners: ListenerTable;
}

export interface HostUnitsOptions extends ScopeTables {
  readonly facts: ScopeFacts;
  readonly dialect: Dialect;
  readonly parts: LayerParts;
  /** Another one when the scope's Sidecar changes. */
  visibility(): Visibility;
}

/** What a scope holds of a host. */
export interface HeldHost {
  readonly parts: Shelved<HostParts>;
  readonly assignments: readonly Assignment[];
}

const nothing: HeldHost = { parts: noHost, assignments: [] };

/** The hosts of a scope as its units. */
export function hostUnits(options: HostUnitsOptions): UnitKind<HostPlan, HeldHost> {
  const { facts, dialect, tables, routes, listeners, visibility } = options;
  const { world, shelves, assignments, work } = options.parts;
  const user: AssignmentUser = { assignmentChanged: (resource) => tables.set('endpoint', resource) };
  const hold = (parts: Shelved<HostParts>): HeldHost => ({
    parts,
    assignments: parts.value.assignments.map((plan) => assignments.acquire(plan, user)),
  });
  const removeGone = (type: XdsType, before: readonly string[], after: readonly string[]) => {
    for (const name of before) if (!after.includes(name)) tables.delete(type, name);
  };

  return {
    nothing,
    keys: world.hosts,
    ownOf: hostOfDep,
    resolve(host, isReferenced) {
      return resolveHost(createReader({ world, facts, visibility: visibility() }, host), host, isReferenced);
    },
    isEmpty,
    encode(plan, before) {
      return isEmpty(plan) ? nothing : hold(encodeHost(plan, before.parts.value, { dialect, shelves }));
    },
    onFault(plan, error) {
      const message = `${plan.host} keeps its last good configuration: ${error instanceof Error ? error.message : error}`;
      const origins = error instanceof PartError ? error.origins : originsOf(plan);
      return { keepsLast: true, problems: origins.map((origin) => ({ origin, message })) };
    },
    install(_, before, after) {
      const [old, next] = [before.parts.value, after.parts.value];
      for (const { value } of next.clusters) tables.set('cluster', value);
      for (const { resource } of after.assignments) tables.set('endpoint', resource);
      removeGone('cluster', old.clusters.map(clusterName), next.clusters.map(clusterName));
      removeGone('endpoint', before.assignments.map(assignmentName), after.assignments.map(assignmentName));
      routes.replace(old.virtualHosts, next.virtualHosts);
      listeners.replace(old.listeners, next.listeners);
    },
    since({ parts, since }, after, revision) {
      return partsSince({ parts: parts.parts.value, since }, after.parts.value, revision);
    },
    retain: (held) => (held === nothing ? held : hold(shelves.hosts.retain(held.parts))),
    release(held) {
      for (const assignment of held.assignments) assignments.release(assignment, user);
      releaseHost(held.parts, shelves);
    },
    /** A host that may be called has its destinations anyway. */
    heedsReferences: (host) => visibility().callableService(host) === null,
    onCompiled: () => void work.hostsCompiled++,
  };
}

const clusterName = ({ value }: Shelved<EncodedResource>): string => value.name;
const assignmentName = ({ plan }: Assignment): string => plan.name;

const isEmpty = ({ destinations, virtualHosts, listeners, targets }: HostPlan): boolean =>
  [destinations, virtualHosts, listeners, targets].every((list) => list.length === 0);
