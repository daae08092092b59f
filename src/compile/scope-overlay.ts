import { createCounts } from '../lib/counts.ts';
import type { PlanProblem } from '../plan/unit.ts';
import type { Layer } from './layer.ts';
import { viewpointOf } from './resolve/client-facts.ts';
import type { ScopeBase } from './scope-base.ts';
import type { ScopeParts } from './scope-content.ts';
import { fixedKey } from './scope-fixed.ts';
import { type HostUnitParts, hostUnits } from './scope-hosts.ts';
import type { ScopeFacts } from './scope-key.ts';
import { scopeProvenance } from './scope-provenance.ts';
import { noHostParts } from './tables/host-parts.ts';
import { createNamedProblems } from './tables/listener-table.ts';
import { createOverlayListeners } from './tables/overlay-listeners.ts';
import { createOverlayRoutes } from './tables/overlay-routes.ts';
import { createOverlayTables } from './tables/overlay-tables.ts';
import { createUnits, type Unit } from './units.ts';
import { createWriter } from './writer.ts';

export interface OverlayOptions {
  readonly base: ScopeBase;
  /** It stands on the base no longer. */
  closed(): void;
}

/**
 * A scope that has what its base has, but for hosts that its own facts make a difference to. These are its own: they are compiled for it, and what
 * the base has of them does not count.
 */
export function createOverlayScope(facts: ScopeFacts, parts: ScopeParts, { base, closed }: OverlayOptions): Layer {
  const { dialect, memo, key, pools, problems } = parts;
  const writer = createWriter({ dialect, pools });
  const viewpoint = viewpointOf(facts, null);
  const ownHosts = new Set<string>();
  /** Units of the base that this scope replaces by its own. */
  const shadows = new Map<string, Unit<HostUnitParts>>();
  /** References of the base's own hosts, which do not count. */
  const replacedReferences = createCounts();
  /** Hosts that may have become own, or no longer are. */
  const pending = new Set<string>();
  /** Since when hosts are as in the base that were own. */
  const rejoined = new Map<string, number>();
  const hostProblems = createNamedProblems(problems);
  const tables = createOverlayTables(key, base.tables);
  const routes = createOverlayRoutes({ tables, pools, writer, base: base.routes });
  const listeners = createOverlayListeners({
    tables,
    writer,
    pools,
    base: base.listeners,
    problems,
    shadowed: ownHosts,
  });
  let isNew = true;

  const kind = hostUnits({ dialect, writer, parts, memo, tables, routes, listeners, viewpoint: () => viewpoint });
  const hosts = createUnits(
    {
      ...kind,
      keys: () => ownHosts,
      unitOf(dependency) {
        const host = kind.unitOf(dependency);
        return host !== null && ownHosts.has(host) ? host : null;
      },
      resolve: (host) => kind.resolve(host, isReferenced(host)),
      dependsOnReferences(host) {
        pending.add(host);
        return false;
      },
    },
    problems,
  );
  const isReferenced = (host: string): boolean =>
    base.hosts.referencesTo(host) - replacedReferences.of(host) + hosts.referencesTo(host) > 0;

  /** Leaves out what the base has of an own host, or no longer. */
  const shadow = (host: string) => {
    const before = shadows.get(host);
    const after = ownHosts.has(host) ? base.hosts.get(host) : undefined;
    if (before === after) return;
    if (after === undefined) shadows.delete(host);
    else shadows.set(host, after);
    const [old, next] = [before, after].map((unit) => unit?.parts.host.value ?? noHostParts.value);
    if (old === undefined || next === undefined) return;
    for (const { value } of old.clusters) tables.hide('cluster', value.name, false);
    for (const { name } of old.assignments) tables.hide('endpoint', name, false);
    for (const { value } of next.clusters) tables.hide('cluster', value.name, true);
    for (const { name } of next.assignments) tables.hide('endpoint', name, true);
    routes.shadow(old.virtualHosts, next.virtualHosts);
    listeners.shadow(old.listeners, next.listeners);
    for (const other of after?.references ?? []) if (replacedReferences.add(other)) pending.add(other);
    for (const other of before?.references ?? []) if (replacedReferences.remove(other)) pending.add(other);
  };
  const compareWithBase = (host: string, revision: number) => {
    if (base.differs(host, viewpoint, isReferenced(host))) {
      ownHosts.add(host);
      hosts.markOne(host);
      rejoined.delete(host);
    } else if (ownHosts.delete(host)) {
      hosts.remove(host);
      if (base.hosts.get(host) !== undefined) rejoined.set(host, revision);
    }
    shadow(host);
    hostProblems.put(host, ownHosts.has(host) ? noProblems : (base.hosts.get(host)?.problems ?? noProblems));
  };
  /** Takes the state of the base in: what the scope differs in, and what is told of the rest. */
  const begin = () => {
    for (const host of base.differing(viewpoint)) pending.add(host);
    for (const [host, { problems: found }] of base.hosts.entries()) if (found.length > 0) pending.add(host);
    for (const name of base.listeners.namesWithProblems()) listeners.baseChanged(name);
    isNew = false;
  };
  const unitOf = (host: string): Unit<HostUnitParts> | undefined => {
    const unit = ownHosts.has(host) ? hosts.get(host) : base.hosts.get(host);
    const since = rejoined.get(host);
    if (unit === undefined || since === undefined) return unit;
    const { cluster, route, listener } = unit.since;
    const later = (revision: number) => Math.max(revision, since);
    return { ...unit, since: { cluster: later(cluster), route: later(route), listener: later(listener) } };
  };
  const observer = {
    hostCompiled: (host: string) => void pending.add(host),
    routesAssembled: routes.baseChanged,
    listenerDecided: listeners.baseChanged,
  };
  base.addObserver(observer);

  return {
    key,
    mark(dirty) {
      if (dirty.mesh) hosts.markAll();
      hosts.mark(dirty);
      return isNew || hosts.isDirty || pending.size > 0 || base.isDirty();
    },
    *compile(revision) {
      yield* base.compile(revision);
      if (isNew) begin();
      hostProblems.put(fixedKey, base.fixed.get(fixedKey)?.problems ?? noProblems);
      while (pending.size > 0 || hosts.isDirty) {
        for (const host of pending) {
          pending.delete(host);
          compareWithBase(host, revision);
        }
        yield;
        yield* hosts.compile(revision);
      }
      yield* routes.settle();
      yield* listeners.settle();
      tables.open();
    },
    takeChanges: tables.takeChanges,
    ...scopeProvenance({ key, pools, routes, listeners, fixed: base.fixed, unitOf }),
    dispose() {
      base.removeObserver(observer);
      hosts.dispose();
      routes.dispose();
      listeners.dispose();
      hostProblems.clear();
      closed();
    },
  };
}

const noProblems: readonly PlanProblem[] = [];
