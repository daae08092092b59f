import type { OutboundFixedPlan } from '../plan/layer.ts';
import type { UnknownHosts } from '../plan/route.ts';
import type { PlanProblem, UnitPlan } from '../plan/unit.ts';
import { type RuleId, ruleId } from '../rules/rule.ts';
import type { ClientTraits } from './client-traits.ts';
import type { LayerParts } from './layer.ts';
import { createClientFacts, type Viewpoint } from './resolve/client-facts.ts';
import { unsupportedPlaces } from './resolve/egress.ts';
import { outboundFixedPlan } from './resolve/fixed.ts';
import { createVisibility, type Visibility } from './resolve/visibility.ts';
import type { ScopeFacts } from './scope-key.ts';
import { isSameList, isSamePooled } from './tables/contributions.ts';
import type { RouteTable } from './tables/route-table.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { trackedReader } from './world/world-reader.ts';
import type { Writer, WrittenMessages } from './writer.ts';

/** Resources of every scope that do not depend on hosts: the treatment of unknown traffic. */
export interface FixedPlan extends UnitPlan {
  readonly fixed: OutboundFixedPlan;
}

export interface FixedUnitParts extends WrittenMessages {
  readonly unknownHosts: UnknownHosts;
}

const noParts: FixedUnitParts = { clusters: [], listeners: [], unknownHosts: 'forward' };

export interface FixedUnitOptions {
  readonly tables: Tables;
  readonly routes: Pick<RouteTable, 'setUnknownHosts'>;
  readonly facts: ScopeFacts;
  readonly writer: Writer;
  readonly parts: LayerParts;
  readonly client: ClientTraits;
  viewpoint(): Viewpoint;
}

/** Creates the one unit of a scope that is no host. It depends on the mesh configuration and the scope's Sidecar. */
export function fixedUnit({
  facts,
  client,
  writer,
  parts,
  tables,
  routes,
  viewpoint,
}: FixedUnitOptions): UnitKind<FixedPlan, FixedUnitParts> {
  const { world } = parts;
  return {
    noParts,
    keys: () => [fixedKey],
    unitOf: () => null,
    resolve() {
      const reader = trackedReader(world, null);
      const clients = createClientFacts(viewpoint(), new Map());
      const visibility = createVisibility(reader, clients);
      const fixed = outboundFixedPlan(facts, world.mesh(), visibility.unknownHosts());
      const problems = [...sidecarProblems(viewpoint(), visibility, client)];
      return { fixed, references: [], dependencies: [...reader.dependencies()], problems };
    },
    isEmpty: () => false,
    encode: ({ fixed }) => ({ ...writer.outboundFixed(fixed), unknownHosts: fixed.unknownHosts }),
    onFault(_, error) {
      const message = `what every proxy has stays as it was: ${error instanceof Error ? error.message : error}`;
      return { keepsLastGood: true, problems: [{ origin: meshOrigin, message }] };
    },
    install(_, before, after) {
      routes.setUnknownHosts(after.unknownHosts);
      const kept = new Set(after.listeners.map(({ value }) => value.name));
      for (const { value } of before.listeners) if (!kept.has(value.name)) tables.delete('listener', value.name);
      for (const { value } of after.clusters) tables.set('cluster', value);
      for (const { value } of after.listeners) tables.set('listener', value);
    },
    since: ({ parts: before, since }, after, revision) => ({
      cluster: isSameList(before.clusters, after.clusters, isSamePooled) ? since.cluster : revision,
      listener: isSameList(before.listeners, after.listeners, isSamePooled) ? since.listener : revision,
      route: revision,
    }),
    retain: writer.retain,
    release: writer.release,
    dependsOnReferences: () => false,
    onCompiled: () => {},
  };
}

/** Returns the problems of a scope's Sidecar that belong to no host. */
function* sidecarProblems(
  { sidecar, egress, wantedHost }: Viewpoint,
  visibility: Visibility,
  client: ClientTraits,
): Generator<PlanProblem> {
  if (sidecar === null) return;
  const origin = ruleId(sidecar);
  if (wantedHost !== null && visibility.visibleService(wantedHost) === null) {
    yield { origin, message: `spec.outboundTrafficPolicy.egressProxy: there is no service ${wantedHost}` };
  }
  if (client.hasFilterChains) return;
  const places = (egress ?? []).map(({ place }) => place);
  for (const field of unsupportedPlaces(places, client.isProxy)) {
    yield { origin, message: `not in effect yet: ${field}` };
  }
}

export const fixedKey = 'fixed';

/** Id of the MeshConfig object; also the origin for binnacle.yaml. */
export const meshOrigin: RuleId = ruleId({ kind: 'MeshConfig', metadata: { namespace: '', name: 'default' } });
