import type { HostPlan } from '../plan/host.ts';
import type { UnitPlan } from '../plan/unit.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import type { Dialect } from './dialect.ts';
import type { LayerParts } from './layer.ts';
import { type Asked, askedFacts, type Viewpoint } from './resolve/asked-facts.ts';
import { resolveHost } from './resolve/host.ts';
import { createReader } from './resolve/reader.ts';
import { createVisibility } from './resolve/visibility.ts';
import type { Shelved } from './shelf.ts';
import type { Assignment, AssignmentUser } from './tables/assignments.ts';
import { partsSince } from './tables/contributions.ts';
import type { HostMemo } from './tables/host-memo.ts';
import { encodeHost, type HostParts, noHost, originsOf, releaseHost } from './tables/host-parts.ts';
import type { ListenerTable } from './tables/listener-table.ts';
import { PartError } from './tables/part-error.ts';
import type { RouteTable } from './tables/route-table.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { hostOfDep } from './world/dirty.ts';
import { notedReading, plainReading } from './world/reading.ts';
import type { Writer } from './writer.ts';

/** The tables of a scope, as its hosts fill them. */
export interface ScopeTables {
  readonly tables: Tables;
  readonly routes: Pick<RouteTable, 'replace'>;
  readonly listeners: ListenerTable;
}

export interface HostUnitsOptions extends ScopeTables {
  readonly dialect: Dialect;
  readonly writer: Writer;
  readonly parts: LayerParts;
  readonly memo: HostMemo;
  /** Another one when the scope's Sidecar changes. */
  viewpoint(): Viewpoint;
  /** Told of each host that is resolved what it was asked; left out: nobody is. */
  resolved?(host: string, asked: AskedOfHost): void;
}

/** Questions of one host to the scope. */
export interface AskedOfHost {
  readonly asked: Asked;
  /** Whether others needed it; null: that made no difference. */
  readonly isReferenced: boolean | null;
}

/** A plan made for this scope, or what it came to in another one that answers the same. */
export type HostUnitPlan = UnitPlan & {
  readonly host: string;
  readonly source:
    | { readonly type: 'made'; readonly plan: HostPlan; readonly asked: Asked; readonly isReferenced: boolean | null }
    | { readonly type: 'known'; readonly parts: Shelved<HostParts> };
};

/** Parts of one host that a scope holds. */
export interface HeldHost {
  readonly parts: Shelved<HostParts>;
  readonly assignments: readonly Assignment[];
}

const nothing: HeldHost = { parts: noHost, assignments: [] };

/** The hosts of a scope as its units. */
export function hostUnits(options: HostUnitsOptions): UnitKind<HostUnitPlan, HeldHost> {
  const { dialect, writer, tables, routes, listeners, memo, viewpoint, resolved } = options;
  const { world, shelves, assignments, work } = options.parts;
  const user: AssignmentUser = { assignmentChanged: (resource) => tables.set('endpoint', resource) };
  const hold = (parts: Shelved<HostParts>): HeldHost => ({
    parts,
    assignments: parts.value.assignments.map((plan) => assignments.acquire(plan, user)),
  });
  const remember = ({ host, source, references, dependencies, problems }: HostUnitPlan, parts: Shelved<HostParts>) => {
    if (source.type === 'known') return;
    const { asked, isReferenced } = source; // not the plan, which is as large as its parts
    memo.put(host, viewpoint(), { asked, isReferenced, parts, references, dependencies, problems });
  };
  const removeGone = (type: XdsType, before: readonly string[], after: readonly string[]) => {
    for (const name of before) if (!after.includes(name)) tables.delete(type, name);
  };

  return {
    nothing,
    keys: world.hosts,
    ownOf: hostOfDep,
    resolve(host, isReferenced) {
      const known = memo.find(host, { viewpoint: viewpoint(), patch: writer.patch, isReferenced });
      if (known !== null) {
        const { references, dependencies, problems, parts } = known;
        resolved?.(host, known);
        return { host, references, dependencies, problems, source: { type: 'known', parts } };
      }
      const asked = new Map<string, string>();
      const facts = askedFacts(viewpoint(), asked);
      const reader = createReader({ reading: notedReading(world, host), facts, client: dialect }, host);
      const plan = dialect.narrow(resolveHost(reader, host, isReferenced));
      const { references, dependencies, problems } = plan;
      // Asked for in any case, so that what it is asked does not depend on whether others need it.
      const matters = reader.callableService(host) === null && reader.visibleService(host) !== null;
      const unit: HostUnitPlan = {
        ...{ host, references, dependencies, problems },
        source: { type: 'made', plan, asked, isReferenced: matters ? isReferenced : null },
      };
      if (isEmpty(plan)) remember(unit, noHost);
      resolved?.(host, { asked, isReferenced: matters ? isReferenced : null });
      return unit;
    },
    isEmpty: ({ source }) => (source.type === 'known' ? source.parts === noHost : isEmpty(source.plan)),
    encode(unit, before) {
      const { source } = unit;
      if (source.type === 'known') {
        if (source.parts === noHost) return nothing;
        work.hostsShared++;
        return hold(shelves.hosts.retain(source.parts));
      }
      if (isEmpty(source.plan)) return nothing;
      work.hostsCompiled++;
      const parts = encodeHost(source.plan, before.parts.value, { writer, shelves });
      remember(unit, parts);
      return hold(parts);
    },
    onFault({ host, source }, error) {
      const message = `${host} keeps its last good configuration: ${error instanceof Error ? error.message : error}`;
      const all = source.type === 'made' ? originsOf(source.plan) : [];
      const origins = error instanceof PartError ? error.origins : all;
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
    heedsReferences: (host) =>
      createVisibility(plainReading(world), askedFacts(viewpoint(), new Map())).callableService(host) === null,
    onCompiled: () => {},
  };
}

const clusterName = ({ value }: Shelved<EncodedResource>): string => value.name;
const assignmentName = ({ plan }: Assignment): string => plan.name;

const isEmpty = ({ destinations, virtualHosts, chains, targets }: HostPlan): boolean =>
  [destinations, virtualHosts, chains, targets].every((list) => list.length === 0);
