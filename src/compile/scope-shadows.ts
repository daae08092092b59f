import { createCounts } from '../lib/counts.ts';
import type { HostUnitParts } from './scope-hosts.ts';
import { noHostParts } from './tables/host-parts.ts';
import type { OverlayListeners } from './tables/overlay-listeners.ts';
import type { OverlayRoutes } from './tables/overlay-routes.ts';
import type { OverlayTables } from './tables/overlay-tables.ts';
import type { Unit } from './units.ts';

/** Units of a base that an overlay scope replaces by its own. Their resources and references do not count in the scope. */
export interface Shadows {
  /** Replaces the shadowed unit of a host; undefined: the unit of the base counts again. */
  set(host: string, unit: Unit<HostUnitParts> | undefined): void;
  /** Returns how many references to a host are shadowed. */
  referencesTo(host: string): number;
}

export interface ShadowsOptions {
  readonly tables: Pick<OverlayTables, 'hide'>;
  readonly routes: Pick<OverlayRoutes, 'shadow'>;
  readonly listeners: Pick<OverlayListeners, 'shadow'>;
  /** Called for each host that gains its first shadowed reference or loses its last one. */
  readonly referenceChanged: (host: string) => void;
}

export function createShadows({ tables, routes, listeners, referenceChanged }: ShadowsOptions): Shadows {
  const shadows = new Map<string, Unit<HostUnitParts>>();
  const references = createCounts();
  return {
    set(host, after) {
      const before = shadows.get(host);
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
      for (const other of after?.references ?? []) if (references.add(other)) referenceChanged(other);
      for (const other of before?.references ?? []) if (references.remove(other)) referenceChanged(other);
    },
    referencesTo: references.of,
  };
}
