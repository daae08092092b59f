import { assertNever } from '../lib/assert-never.ts';
import { type Sidecar, sidecar as sidecarKind } from '../rules/kinds/sidecar/index.ts';
import type { Dialect } from './dialect.ts';
import type { Dialects } from './dialects.ts';
import type { Layer, LayerKind, LayerParts } from './layer.ts';
import { viewpointOf } from './resolve/asked-facts.ts';
import { fixedKey, fixedUnit, meshOrigin } from './scope-fixed.ts';
import { hostUnits } from './scope-hosts.ts';
import { type Coarseness, type ScopeFacts, scopeFactsOf } from './scope-key.ts';
import { contributionsOf, type PartsSince, sinceNothing } from './tables/contributions.ts';
import { createHostMemo, type HostMemo } from './tables/host-memo.ts';
import { createListenerTable, type ListenerPart } from './tables/listener-table.ts';
import { createRouteTable } from './tables/route-table.ts';
import { createTables } from './tables/tables.ts';
import { createUnits } from './units.ts';
import { createWriter } from './writer.ts';

/** What proxies may call. */
export function outboundKind(coarseness: Coarseness, dialects: Dialects): LayerKind<ScopeFacts> {
  const memo = createHostMemo();
  return {
    kind: 'outbound',
    mayWait: true,
    factsOf: (proxy, world) => scopeFactsOf(proxy, world, { coarseness, clients: dialects }),
    selected: ({ sidecar }) => (sidecar === null ? [] : [sidecar]),
    mark: memo.mark,
    create: (facts, parts) => createScope(facts, { ...parts, dialect: dialects[facts.client], memo }),
    layersWith: (origin, { shelves }) => (origin === meshOrigin || shelves.origins.has(origin) ? 'all' : []),
  };
}

interface ScopeParts extends LayerParts {
  readonly dialect: Dialect;
  readonly memo: HostMemo;
}

function createScope(facts: ScopeFacts, parts: ScopeParts): Layer {
  const { dialect, memo, key, world, shelves, problems } = parts;
  const tables = createTables(key);
  const writer = createWriter({ dialect, shelves });
  const routes = createRouteTable(tables, shelves, writer);
  const listeners = createListenerTable(tables, problems);
  let sidecar: Sidecar | null = facts.sidecar === null ? null : (world.rules.get(sidecarKind, facts.sidecar) ?? null);
  let current = viewpointOf(facts, sidecar);
  const options = { facts, dialect, writer, parts, memo, tables, routes, listeners, viewpoint: () => current };
  const fixed = createUnits(fixedUnit(options), problems);
  const hosts = createUnits(hostUnits(options), problems);

  const markAll = () => {
    fixed.markAll();
    hosts.markAll();
  };
  const sinceOf = (host: string): PartsSince => hosts.get(host)?.since ?? sinceNothing;
  /** The resource that every scope has, if this one is. */
  const fixedPart = (type: 'cluster' | 'listener', name: string) => {
    const unit = fixed.get(fixedKey);
    const made = type === 'cluster' ? unit?.parts.clusters : unit?.parts.listeners;
    if (unit === undefined || made?.some(({ value }) => value.name === name) !== true) return null;
    return { part: '', origins: [meshOrigin], since: unit.since[type] };
  };

  return {
    key,
    mark(dirty) {
      if (dirty.mesh) markAll();
      if (facts.sidecar !== null && dirty.selecting.has(facts.sidecar)) {
        // A Sidecar that is gone stays as it was: the proxies of this scope are about to leave it.
        sidecar = world.rules.get(sidecarKind, facts.sidecar) ?? sidecar;
        current = viewpointOf(facts, sidecar);
        markAll();
      }
      hosts.mark(dirty);
      return hosts.isDirty || fixed.isDirty;
    },
    *compile(revision) {
      yield* fixed.compile(revision);
      yield* hosts.compile(revision);
      yield* routes.settle();
      yield* listeners.settle();
    },
    takeChanges: () => tables.takeChanges(),
    *partsOf(type, name) {
      const own = type === 'cluster' || type === 'listener' ? fixedPart(type, name) : null;
      if (own !== null) yield own;
      switch (type) {
        case 'route':
          for (const { part, origins } of routes.partsOf(name)) {
            yield { part, origins, since: sinceOf(part.slice(0, part.lastIndexOf(':'))).route }; // host:80
          }
          return;
        case 'listener':
          for (const { host, origins } of listeners.partsOf(name)) {
            yield { part: '', origins, since: sinceOf(host).listener };
          }
          return;
        case 'cluster':
        case 'endpoint': {
          const host = name.slice(name.lastIndexOf('|') + 1); // outbound|80||host
          const origins = hosts.get(host)?.parts.parts.value.destinationOrigins ?? [];
          if (origins.length > 0) yield { part: '', origins, since: sinceOf(host).cluster };
          return;
        }
        default:
          assertNever(type);
      }
    },
    *contributionsOf(origin) {
      const unit = fixed.get(fixedKey);
      if (origin === meshOrigin && unit !== undefined) {
        const { parts: made, since } = unit;
        for (const { value } of made.clusters)
          yield { layer: key, type: 'cluster', name: value.name, since: since.cluster };
        for (const { value } of made.listeners) {
          yield { layer: key, type: 'listener', name: value.name, since: since.listener };
        }
      }
      const standing = {
        hasVirtualHost: routes.has,
        hasListener: ({ name, resource }: ListenerPart) => tables.get('listener', name) === resource,
      };
      for (const host of shelves.origins.holdersOf(origin)) {
        const held = hosts.get(host);
        if (held === undefined) continue;
        const { parts: made, since } = held;
        for (const one of contributionsOf({ ...standing, parts: made.parts.value, since }, origin)) {
          yield { layer: key, ...one };
        }
      }
    },
    dispose() {
      hosts.dispose();
      fixed.dispose();
      routes.dispose();
      listeners.dispose();
    },
  };
}
