import type { RouteConfigurationPlan } from '../plan/route.ts';
import type { UnitPlan } from '../plan/unit.ts';
import type { EncodedResource } from '../proto/resource.ts';
import type { MeshConfig } from '../rules/mesh-config.ts';
import type { RuleId } from '../rules/rule.ts';
import type { LayerParts } from './layer.ts';
import { askedFacts, type Viewpoint } from './resolve/asked-facts.ts';
import { createVisibility } from './resolve/visibility.ts';
import type { ScopeTables } from './scope-hosts.ts';
import type { ScopeFacts } from './scope-key.ts';
import { isSameList, isSameShelved } from './tables/contributions.ts';
import { fixedResources } from './tables/fixed-resources.ts';
import type { Shelved } from './tables/shelf.ts';
import type { UnitKind } from './units.ts';

/** What every scope has whatever hosts there are: where unknown traffic goes. */
export interface FixedPlan extends UnitPlan {
  readonly mesh: MeshConfig;
  readonly unknownHosts: RouteConfigurationPlan['unknownHosts'];
}

export interface HeldFixed {
  readonly clusters: readonly Shelved<EncodedResource>[];
  readonly listeners: readonly Shelved<EncodedResource>[];
  readonly unknownHosts: RouteConfigurationPlan['unknownHosts'];
}

const nothing: HeldFixed = { clusters: [], listeners: [], unknownHosts: 'forward' };

export interface FixedUnitOptions extends Pick<ScopeTables, 'tables' | 'routes'> {
  readonly facts: ScopeFacts;
  readonly parts: LayerParts;
  viewpoint(): Viewpoint;
}

/** The one unit of a scope that is no host. It follows from the mesh configuration and the scope's Sidecar. */
export function fixedUnit({
  facts,
  parts,
  tables,
  routes,
  viewpoint,
}: FixedUnitOptions): UnitKind<FixedPlan, HeldFixed> {
  const { world, shelves } = parts;
  return {
    nothing,
    keys: () => [fixedKey],
    ownOf: () => null,
    resolve: () => ({
      mesh: world.mesh(),
      unknownHosts: createVisibility(world, askedFacts(viewpoint(), new Map())).unknownHosts(),
      references: [],
      dependencies: [],
      problems: [],
    }),
    isEmpty: () => false,
    encode: ({ mesh, unknownHosts }) => ({ ...fixedResources({ facts, unknownHosts, mesh }, shelves), unknownHosts }),
    onFault(_, error) {
      const message = `what every proxy has stays as it was: ${error instanceof Error ? error.message : error}`;
      return { keepsLast: true, problems: [{ origin: meshOrigin, message }] };
    },
    install(_, before, after) {
      routes.setUnknownHosts(after.unknownHosts);
      const kept = new Set(after.listeners.map(({ value }) => value.name));
      for (const { value } of before.listeners) if (!kept.has(value.name)) tables.delete('listener', value.name);
      for (const { value } of after.clusters) tables.set('cluster', value);
      for (const { value } of after.listeners) tables.set('listener', value);
    },
    since: ({ parts: before, since }, after, revision) => ({
      cluster: isSameList(before.clusters, after.clusters, isSameShelved) ? since.cluster : revision,
      listener: isSameList(before.listeners, after.listeners, isSameShelved) ? since.listener : revision,
      route: revision,
    }),
    retain(held) {
      for (const cluster of held.clusters) shelves.clusters.retain(cluster);
      for (const listener of held.listeners) shelves.listeners.retain(listener);
      return held;
    },
    release(held) {
      for (const cluster of held.clusters) shelves.clusters.release(cluster);
      for (const listener of held.listeners) shelves.listeners.release(listener);
    },
    heedsReferences: () => false,
    onCompiled: () => {},
  };
}

export const fixedKey = 'fixed';

/** What a MeshConfig object is called; binnacle.yaml has no name of its own. */
export const meshOrigin: RuleId = 'MeshConfig//default';
