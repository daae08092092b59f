import type { HostPlan } from '../plan/host.ts';
import type { UnitPlan } from '../plan/unit.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import type { Pooled } from './content-pool.ts';
import type { Dialect } from './dialect.ts';
import type { LayerParts } from './layer.ts';
import { createClientFacts, type FactReads, type Viewpoint } from './resolve/client-facts.ts';
import { dependsOnReferences, resolveHost } from './resolve/host.ts';
import { createHostReader } from './resolve/host-reader.ts';
import type { Assignment, AssignmentUser } from './tables/assignments.ts';
import { partRevisions } from './tables/contributions.ts';
import type { HostMemo } from './tables/host-memo.ts';
import { encodeHost, type HostParts, noHostParts, originsOf, releaseHost } from './tables/host-parts.ts';
import type { ListenerTable } from './tables/listener-table.ts';
import { PartError } from './tables/part-error.ts';
import type { RouteTable } from './tables/route-table.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { hostOfDep } from './world/dirty.ts';
import { trackedReader } from './world/world-reader.ts';
import type { Writer } from './writer.ts';

/** Tables of a scope that its hosts fill. */
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
  /** Returns the current viewpoint. It is replaced when the scope's Sidecar changes. */
  viewpoint(): Viewpoint;
  /** Called for each resolved host with the facts that it read. */
  hostResolved?(host: string, reads: HostReads): void;
  /** Called when the parts of a host were replaced. */
  hostInstalled?(host: string): void;
}

/** Facts that one host read from its scope. */
export interface HostReads {
  readonly reads: FactReads;
  /** Whether other hosts reference it; null if the plan does not depend on it. */
  readonly isReferenced: boolean | null;
}

/** Plan resolved for this scope, or the parts from another scope with equal facts. */
export type HostUnitPlan = UnitPlan & {
  readonly host: string;
  readonly source:
    | {
        readonly type: 'made';
        readonly plan: HostPlan;
        readonly reads: FactReads;
        readonly isReferenced: boolean | null;
      }
    | { readonly type: 'known'; readonly parts: Pooled<HostParts> };
};

/** Parts of one host in a scope. */
export interface HostUnitParts {
  readonly host: Pooled<HostParts>;
  readonly assignments: readonly Assignment[];
}

const noParts: HostUnitParts = { host: noHostParts, assignments: [] };

/** Creates the units of a scope, one per host. */
export function hostUnits(options: HostUnitsOptions): UnitKind<HostUnitPlan, HostUnitParts> {
  const { dialect, writer, tables, routes, listeners, memo, viewpoint, hostResolved, hostInstalled } = options;
  const { world, pools, assignments, work } = options.parts;
  const user: AssignmentUser = { assignmentChanged: (resource) => tables.set('endpoint', resource) };
  const acquire = (host: Pooled<HostParts>): HostUnitParts => ({
    host,
    assignments: host.value.assignments.map((plan) => assignments.acquire(plan, user)),
  });
  const memoize = ({ host, source, references, dependencies, problems }: HostUnitPlan, parts: Pooled<HostParts>) => {
    if (source.type === 'known') return;
    const { reads, isReferenced } = source; // without the plan, which is as large as its parts
    memo.put(host, viewpoint(), { reads, isReferenced, parts, references, dependencies, problems });
  };
  const deleteRemoved = (type: XdsType, before: readonly string[], after: readonly string[]) => {
    for (const name of before) if (!after.includes(name)) tables.delete(type, name);
  };

  return {
    noParts,
    keys: world.hosts,
    unitOf: hostOfDep,
    resolve(host, isNamed) {
      const isReferenced = isNamed || host === viewpoint().wantedHost;
      const known = memo.find(host, { viewpoint: viewpoint(), patch: writer.patch, isReferenced });
      if (known !== null) {
        const { references, dependencies, problems, parts } = known;
        hostResolved?.(host, known);
        return { host, references, dependencies, problems, source: { type: 'known', parts } };
      }
      const reads = new Map<string, string>();
      const facts = createClientFacts(viewpoint(), reads);
      const reader = createHostReader({ world: trackedReader(world, host), facts, client: dialect }, host);
      const plan = dialect.narrow(resolveHost(reader, host, isReferenced));
      const { references, dependencies, problems } = plan;
      // Read unconditionally, so that the set of reads does not depend on `isReferenced`.
      const usesReferences = dependsOnReferences(reader, host);
      const unit: HostUnitPlan = {
        ...{ host, references, dependencies, problems },
        source: { type: 'made', plan, reads, isReferenced: usesReferences ? isReferenced : null },
      };
      if (isEmpty(plan)) memoize(unit, noHostParts);
      hostResolved?.(host, { reads, isReferenced: usesReferences ? isReferenced : null });
      return unit;
    },
    isEmpty: ({ source }) => (source.type === 'known' ? source.parts === noHostParts : isEmpty(source.plan)),
    encode(unit, before) {
      const { source } = unit;
      if (source.type === 'known') {
        if (source.parts === noHostParts) return noParts;
        work.hostsShared++;
        return acquire(pools.hosts.retain(source.parts));
      }
      if (isEmpty(source.plan)) return noParts;
      work.hostsCompiled++;
      const parts = encodeHost(source.plan, before.host.value, { writer, pools });
      memoize(unit, parts);
      return acquire(parts);
    },
    onFault({ host, source }, error) {
      const message = `${host} keeps its last good configuration: ${error instanceof Error ? error.message : error}`;
      const all = source.type === 'made' ? originsOf(source.plan) : [];
      const origins = error instanceof PartError ? error.origins : all;
      return { keepsLastGood: true, problems: origins.map((origin) => ({ origin, message })) };
    },
    install(host, before, after) {
      const [old, next] = [before.host.value, after.host.value];
      for (const { value } of next.clusters) tables.set('cluster', value);
      for (const { resource } of after.assignments) tables.set('endpoint', resource);
      deleteRemoved('cluster', old.clusters.map(clusterName), next.clusters.map(clusterName));
      deleteRemoved('endpoint', before.assignments.map(assignmentName), after.assignments.map(assignmentName));
      routes.replace(old.virtualHosts, next.virtualHosts);
      listeners.replace(old.listeners, next.listeners);
      hostInstalled?.(host);
    },
    since({ parts, since }, after, revision) {
      return partRevisions({ parts: parts.host.value, since }, after.host.value, revision);
    },
    retain: (parts) => (parts === noParts ? parts : acquire(pools.hosts.retain(parts.host))),
    release(parts) {
      for (const assignment of parts.assignments) assignments.release(assignment, user);
      releaseHost(parts.host, pools);
    },
    /** A callable host has its destinations in any case. */
    dependsOnReferences(host) {
      const facts = createClientFacts(viewpoint(), new Map());
      return dependsOnReferences(
        createHostReader({ world: trackedReader(world, host), facts, client: dialect }, host),
        host,
      );
    },
    onCompiled: () => {},
  };
}

const clusterName = ({ value }: Pooled<EncodedResource>): string => value.name;
const assignmentName = ({ plan }: Assignment): string => plan.name;

const isEmpty = ({ destinations, virtualHosts, chains, targets }: HostPlan): boolean =>
  [destinations, virtualHosts, chains, targets].every((list) => list.length === 0);
