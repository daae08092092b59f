import type { PlanProblem } from '../plan/unit.ts';
import type { Layer } from './layer.ts';
import type { OpenScope } from './open-scopes.ts';
import { viewpointOf } from './resolve/client-facts.ts';
import type { ScopeBase } from './scope-base.ts';
import type { ScopeParts } from './scope-content.ts';
import { fixedKey } from './scope-fixed.ts';
import { type HostUnitParts, hostUnits } from './scope-hosts.ts';
import type { ScopeFacts } from './scope-key.ts';
import { scopeProvenance } from './scope-provenance.ts';
import { createShadows } from './scope-shadows.ts';
import { createNamedProblems } from './tables/listener-table.ts';
import { createOverlayListeners } from './tables/overlay-listeners.ts';
import { createOverlayRoutes } from './tables/overlay-routes.ts';
import { createOverlayTables } from './tables/overlay-tables.ts';
import { createUnits, type Unit } from './units.ts';
import { createWriter } from './writer.ts';

export interface OverlayOptions {
  readonly base: ScopeBase;
  readonly scope: OpenScope;
  /** Called when the scope no longer uses the base. */
  closed(): void;
}

/**
 * Creates a scope that shares the content of its base. Hosts that depend on its own facts are compiled for it alone,
 * and replace those of the base.
 */
export function createOverlayScope(facts: ScopeFacts, parts: ScopeParts, options: OverlayOptions): Layer {
  const { base, scope, closed } = options;
  const { dialect, memo, key, pools, problems } = parts;
  const writer = createWriter({ dialect, pools });
  const viewpoint = viewpointOf(facts, null, parts.world.domainSuffix);
  const ownHosts = new Set<string>();
  /** Hosts to compare with the base: they may have become own, or no longer be. */
  const pending = new Set<string>();
  /** Revisions at which own hosts became equal to the base again. */
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
  const shadows = createShadows({ tables, routes, listeners, referenceChanged: (host) => pending.add(host) });
  let isNew = true;

  const { hostChanged: hostInstalled } = scope;
  const kind = hostUnits({
    ...{ dialect, writer, parts, memo, tables, routes, listeners, hostInstalled },
    viewpoint: () => viewpoint,
  });
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
    base.hosts.referencesTo(host) - shadows.referencesTo(host) + hosts.referencesTo(host) > 0;

  const compareWithBase = (host: string, revision: number) => {
    if (base.differs(host, viewpoint, isReferenced(host))) {
      ownHosts.add(host);
      hosts.markOne(host);
      rejoined.delete(host);
    } else if (ownHosts.delete(host)) {
      hosts.remove(host);
      if (base.hosts.get(host) !== undefined) rejoined.set(host, revision);
    }
    shadows.set(host, ownHosts.has(host) ? base.hosts.get(host) : undefined);
    hostProblems.put(host, ownHosts.has(host) ? noProblems : (base.hosts.get(host)?.problems ?? noProblems));
    hostInstalled(host); // its unit may be another one
  };
  /** Applies the state of the base: hosts that differ in this scope, and problems of the others. */
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
    return { ...unit, since: noEarlierThan(since, unit.since) };
  };
  const observer = {
    hostCompiled: (host: string) => void pending.add(host),
    routesAssembled: routes.baseChanged,
    listenerDecided: listeners.baseChanged,
  };
  base.addObserver(observer);
  scope.content = {
    unitOf,
    *hosts() {
      for (const [host] of base.hosts.entries()) if (!ownHosts.has(host)) yield host;
      yield* ownHosts;
    },
  };

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

/** Replaces earlier revisions by `since`: the scope has the unit only from then on. */
function noEarlierThan(since: number, { cluster, route, listener }: Since): Since {
  const later = (revision: number) => Math.max(revision, since);
  return { cluster: later(cluster), route: later(route), listener: later(listener) };
}

type Since = Unit<HostUnitParts>['since'];

const noProblems: readonly PlanProblem[] = [];
