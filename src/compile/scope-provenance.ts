import { assertNever } from '../lib/assert-never.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import type { Layer } from './layer.ts';
import { type FixedUnitParts, fixedKey, meshOrigin } from './scope-fixed.ts';
import type { HostUnitParts } from './scope-hosts.ts';
import { contributionsOf } from './tables/contributions.ts';
import type { ContentPools } from './tables/host-parts.ts';
import type { ListenerTable } from './tables/listener-table.ts';
import type { RouteTable } from './tables/route-table.ts';
import type { Unit, Units } from './units.ts';

export interface ProvenanceOptions {
  readonly key: Layer['key'];
  readonly pools: ContentPools;
  readonly routes: Pick<RouteTable, 'partsOf' | 'has'>;
  readonly listeners: Pick<ListenerTable, 'partsOf' | 'has'>;
  readonly fixed: Units<FixedUnitParts>;
  unitOf(host: string): Unit<HostUnitParts> | undefined;
}

/** Creates the lookups of origins for the resources of a scope. */
export function scopeProvenance(options: ProvenanceOptions): Pick<Layer, 'partsOf' | 'contributionsOf'> {
  const { key, pools, routes, listeners, fixed, unitOf } = options;
  /** Yields the fixed resource of that name, if there is one. */
  function* fixedPart(type: XdsType, name: string) {
    const unit = fixed.get(fixedKey);
    if (unit === undefined || (type !== 'cluster' && type !== 'listener')) return;
    if (resourcesOf(unit.parts, type).some((resource) => resource.name === name)) {
      yield { part: '', origins: [meshOrigin], since: unit.since[type] };
    }
  }
  function* fixedContributions() {
    const unit = fixed.get(fixedKey);
    for (const type of unit === undefined ? [] : (['cluster', 'listener'] as const)) {
      for (const { name } of unit === undefined ? [] : resourcesOf(unit.parts, type)) {
        yield { layer: key, type, name, since: unit?.since[type] ?? 0 };
      }
    }
  }
  const sinceOf = (host: string, type: 'cluster' | 'listener' | 'route'): number => unitOf(host)?.since[type] ?? 0;

  return {
    *partsOf(type, name) {
      yield* fixedPart(type, name);
      switch (type) {
        case 'route':
          for (const { part, origins } of routes.partsOf(name)) {
            yield { part, origins, since: sinceOf(part.slice(0, part.lastIndexOf(':')), 'route') }; // host:80
          }
          return;
        case 'listener':
          for (const { unit, plan } of listeners.partsOf(name)) {
            // The unknown connections of a listener come from the services of its other chains.
            if ('isForUnknown' in plan && plan.isForUnknown) continue;
            yield { part: '', origins: plan.origins, since: sinceOf(unit, 'listener') };
          }
          return;
        case 'cluster':
        case 'endpoint': {
          const host = name.slice(name.lastIndexOf('|') + 1); // outbound|80||host
          const parts = unitOf(host)?.parts.host.value;
          const placed = (type === 'cluster' ? parts?.placedDestinations : parts?.placedAssignments) ?? [];
          const origins = placed.some((plan) => plan.name === name) ? [] : (parts?.destinationOrigins ?? []);
          if (origins.length > 0) yield { part: '', origins, since: sinceOf(host, 'cluster') };
          return;
        }
        case 'secret':
        case 'extension':
          return; // scopes have none
        default:
          assertNever(type);
      }
    },
    *contributionsOf(origin) {
      if (origin === meshOrigin) yield* fixedContributions();
      const installed = {
        hasVirtualHost: routes.has,
        hasListener: listeners.has,
      };
      for (const host of pools.origins.holdersOf(origin)) {
        const unit = unitOf(host);
        if (unit === undefined) continue;
        const { parts, since } = unit;
        for (const resource of contributionsOf({ ...installed, parts: parts.host.value, since }, origin)) {
          yield { layer: key, ...resource };
        }
      }
    },
  };
}

const resourcesOf = (
  { clusters, listeners }: FixedUnitParts,
  type: 'cluster' | 'listener',
): readonly EncodedResource[] => (type === 'cluster' ? clusters : listeners).map(({ value }) => value);
