import { type SidecarRule, sidecar as sidecarKind } from '../rules/kinds/sidecar/index.ts';
import type { Dialect } from './dialect.ts';
import type { LayerParts } from './layer.ts';
import { type Viewpoint, viewpointOf } from './resolve/client-facts.ts';
import { type FixedUnitParts, fixedUnit } from './scope-fixed.ts';
import { type HostReads, type HostUnitParts, hostUnits } from './scope-hosts.ts';
import type { ScopeFacts } from './scope-key.ts';
import type { HostMemo } from './tables/host-memo.ts';
import { type BaseListeners, createListenerTable } from './tables/listener-table.ts';
import { type BaseRoutes, createRouteTable } from './tables/route-table.ts';
import { type BaseTables, createTables } from './tables/tables.ts';
import { createUnits, type Units } from './units.ts';
import type { Dirty } from './world/dirty.ts';
import { createWriter } from './writer.ts';

/** Everything that clients of a scope may call, in tables of its own. */
export interface ScopeContent {
  readonly tables: BaseTables;
  readonly routes: BaseRoutes;
  readonly listeners: BaseListeners;
  readonly fixed: Units<FixedUnitParts>;
  readonly hosts: Units<HostUnitParts>;
  viewpoint(): Viewpoint;
  /** Marks dirty parts. Returns true if there is something to compile. */
  mark(dirty: Dirty): boolean;
  isDirty(): boolean;
  compile(revision: number): Generator<undefined, void, undefined>;
  dispose(): void;
}

/** Observer of recompiled parts. */
export interface ContentObserver {
  hostResolved?(host: string, reads: HostReads): void;
  /** Called when the parts of a host were replaced. */
  hostInstalled?(host: string): void;
  routesAssembled?(routeConfiguration: string): void;
  listenerDecided?(listener: string): void;
}

export interface ScopeParts extends LayerParts {
  readonly dialect: Dialect;
  readonly memo: HostMemo;
}

export function createContent(facts: ScopeFacts, parts: ScopeParts, observer?: ContentObserver): ScopeContent {
  const { dialect, memo, key, world, pools, problems } = parts;
  const tables = createTables(key);
  const writer = createWriter({ dialect, pools });
  const routes = createRouteTable({ tables, pools, writer, onAssembled: observer?.routesAssembled ?? ignored });
  const listeners = createListenerTable({
    tables,
    writer,
    pools,
    problems,
    onDecided: observer?.listenerDecided ?? ignored,
  });
  let sidecar: SidecarRule | null =
    facts.sidecar === null ? null : (world.rules.get(sidecarKind, facts.sidecar) ?? null);
  let current = viewpointOf(facts, sidecar, world.domainSuffix);
  const viewpoint = () => current;
  const { hostResolved = ignored, hostInstalled = ignored } = observer ?? {};
  const fixed = createUnits(fixedUnit({ facts, client: dialect, writer, parts, tables, routes, viewpoint }), problems);
  const hosts = createUnits(
    hostUnits({ dialect, writer, parts, memo, tables, routes, listeners, viewpoint, hostResolved, hostInstalled }),
    problems,
  );
  const isDirty = () => hosts.isDirty || fixed.isDirty;
  const markAll = () => {
    fixed.markAll();
    hosts.markAll();
  };

  return {
    ...{ tables, routes, listeners, fixed, hosts, viewpoint },
    mark(dirty) {
      if (dirty.mesh) markAll();
      if (facts.sidecar !== null && dirty.selecting.has(facts.sidecar)) {
        // A removed Sidecar keeps its effect here: the proxies of this scope are about to leave it.
        sidecar = world.rules.get(sidecarKind, facts.sidecar) ?? sidecar;
        current = viewpointOf(facts, sidecar, world.domainSuffix);
        markAll();
      }
      hosts.mark(dirty);
      fixed.mark(dirty);
      return isDirty();
    },
    isDirty,
    *compile(revision) {
      yield* fixed.compile(revision);
      yield* hosts.compile(revision);
      yield* routes.settle();
      yield* listeners.settle();
    },
    dispose() {
      hosts.dispose();
      fixed.dispose();
      routes.dispose();
      listeners.dispose();
    },
  };
}

const ignored = () => {};
