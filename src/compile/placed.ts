import { type ClientPlace, nowhere } from '../plan/destination.ts';
import type { EncodedResource } from '../proto/resource.ts';
import { placeLabels } from '../rules/kinds/destination-rule/audience.ts';
import type { Pooled } from './content-pool.ts';
import type { Dialect } from './dialect.ts';
import type { Dialects } from './dialects.ts';
import type { ProxyFacts } from './facts.ts';
import type { Layer, LayerKind, LayerParts } from './layer.ts';
import type { OpenScopes } from './open-scopes.ts';
import { meshOrigin } from './scope-fixed.ts';
import { type Coarseness, type ScopeFacts, scopeFactsOf } from './scope-key.ts';
import type { Assignment, AssignmentUser } from './tables/assignments.ts';
import type { HostParts } from './tables/host-parts.ts';
import { createTables } from './tables/tables.ts';
import type { World } from './world/world.ts';
import { createWriter } from './writer.ts';

/** Scope of a client, and its place. */
export interface PlacedFacts {
  readonly scope: ScopeFacts;
  readonly place: ClientPlace;
}

export interface PlacedOptions {
  readonly coarseness: Coarseness;
  readonly dialects: Dialects;
  readonly scopes: OpenScopes;
}

/**
 * Creates the kind of layers with what depends on the place of clients: endpoints, and clusters that contain theirs.
 * Such a layer completes a scope, which leaves these out. While no rule prefers places, clients of a scope share one.
 */
export const placedKind = ({ coarseness, dialects, scopes }: PlacedOptions): LayerKind<PlacedFacts> => ({
  kind: 'placed',
  mayWait: false,
  factsOf: (proxy, world) => ({
    scope: scopeFactsOf(proxy, world, { coarseness, clients: dialects }),
    place: placeOf(proxy, world, coarseness),
  }),
  selected: () => [],
  create: (facts, parts) => createPlacedLayer(facts, { ...parts, scopes, dialect: dialects[facts.scope.client] }),
  layersWith: (origin, { pools }) => (origin !== meshOrigin && pools.origins.has(origin) ? 'all' : []),
});

/** Returns the place of a proxy, coarsened to what rules and the mesh compare. */
function placeOf(proxy: ProxyFacts, world: World, coarseness: Coarseness): ClientPlace {
  const ofMesh = world.mesh().localityLbSetting;
  const matters = world.relevance.placesMatter() || (ofMesh?.distribute ?? []).length > 0;
  if (!matters && coarseness === 'coarse') return nowhere;
  const names = [...new Set([...world.relevance.placeLabels(), ...placeLabels(ofMesh)])].sort();
  return { locality: localityOf(proxy, world), labels: names.length === 0 ? {} : labelsOf(proxy, names) };
}

/** Returns the locality of a proxy, or that which a platform reports for its workload. */
function localityOf(proxy: ProxyFacts, world: World): string {
  const own = proxy.get('locality');
  if (own !== '') return own;
  const known = proxy
    .get('addresses')
    .flatMap((address) => world.workloads.at(address))
    .map(({ endpoint }) => endpoint.locality)
    .filter((locality) => locality !== '');
  return known.sort()[0] ?? '';
}

function labelsOf(proxy: ProxyFacts, names: readonly string[]): ClientPlace['labels'] {
  const labels: Readonly<Record<string, string>> = {
    ...proxy.get('labels'),
    ...withText('topology.istio.io/network', proxy.get('network')),
    ...withText('topology.istio.io/cluster', proxy.get('cluster')),
  };
  return Object.fromEntries(names.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
}

const withText = (name: string, value: string): Readonly<Record<string, string>> =>
  value === '' ? {} : { [name]: value };

type PlacedParts = LayerParts & { readonly scopes: OpenScopes; readonly dialect: Dialect };

/** Parts of one host for a place. */
interface PlacedHost {
  readonly clusters: readonly Pooled<EncodedResource>[];
  readonly assignments: readonly Assignment[];
}

const noHost: PlacedHost = { clusters: [], assignments: [] };

function createPlacedLayer({ scope: scopeFacts, place }: PlacedFacts, parts: PlacedParts): Layer {
  const { key, assignments, pools, scopes, dialect } = parts;
  const tables = createTables(key);
  const writer = createWriter({ dialect, pools });
  const installed = new Map<string, PlacedHost>();
  const dirtyHosts = new Set<string>();
  const user: AssignmentUser = { assignmentChanged: (resource) => tables.set('endpoint', resource) };
  const observer = (host: string) => void dirtyHosts.add(host);
  const scope = scopes.at(scopeFacts);
  scope.observers.add(observer);
  let isNew = true;

  const partsOf = (host: string): HostParts | undefined => scope.content?.unitOf(host)?.parts.host.value;
  const acquire = (parts: HostParts): PlacedHost => ({
    clusters: parts.placedDestinations.map((plan) => writer.cluster(plan, place)),
    assignments: parts.placedAssignments.map((plan) => assignments.acquire(plan, user, place)),
  });
  const release = (host: PlacedHost) => {
    for (const cluster of host.clusters) pools.clusters.release(cluster);
    for (const assignment of host.assignments) assignments.release(assignment, user);
  };
  const install = (host: string) => {
    const before = installed.get(host) ?? noHost;
    const hostParts = partsOf(host);
    const after = hasPlaced(hostParts) ? acquire(hostParts) : noHost;
    for (const type of ['cluster', 'endpoint'] as const) {
      const resources = resourcesOf(after, type);
      for (const resource of resources) tables.set(type, resource);
      const kept = new Set(resources.map(({ name }) => name));
      for (const { name } of resourcesOf(before, type)) if (!kept.has(name)) tables.delete(type, name);
    }
    release(before);
    if (after === noHost) installed.delete(host);
    else installed.set(host, after);
  };
  function* settle(): Generator<undefined, void, undefined> {
    for (const host of dirtyHosts) {
      dirtyHosts.delete(host);
      if (!installed.has(host) && !hasPlaced(partsOf(host))) continue;
      install(host);
      yield;
    }
  }
  const provenanceOf = (host: string) => {
    const unit = scope.content?.unitOf(host);
    return { origins: unit?.parts.host.value.destinationOrigins ?? [], since: unit?.since.cluster ?? 0 };
  };

  return {
    key,
    mark: () => false, // it follows its scope
    *compile() {
      for (const host of (isNew && scope.content?.hosts()) || []) if (hasPlaced(partsOf(host))) dirtyHosts.add(host);
      isNew = false;
      yield* settle();
    },
    settle,
    takeChanges: tables.takeChanges,
    *partsOf(type, name) {
      const host = name.slice(name.lastIndexOf('|') + 1); // outbound|80||host
      if (type !== 'cluster' && type !== 'endpoint') return;
      if (!resourcesOf(installed.get(host) ?? noHost, type).some((resource) => resource.name === name)) return;
      yield { part: '', ...provenanceOf(host) };
    },
    *contributionsOf(origin) {
      for (const host of pools.origins.holdersOf(origin)) {
        const { origins, since } = provenanceOf(host);
        if (!origins.includes(origin)) continue;
        for (const type of ['cluster', 'endpoint'] as const) {
          for (const { name } of resourcesOf(installed.get(host) ?? noHost, type))
            yield { layer: key, type, name, since };
        }
      }
    },
    dispose() {
      scope.observers.delete(observer);
      scopes.sweep(scopeFacts);
      for (const host of installed.values()) release(host);
      installed.clear();
    },
  };
}

const hasPlaced = (parts: HostParts | undefined): parts is HostParts =>
  parts !== undefined && parts.placedDestinations.length + parts.placedAssignments.length > 0;

const resourcesOf = (
  { clusters, assignments }: PlacedHost,
  type: 'cluster' | 'endpoint',
): readonly EncodedResource[] =>
  type === 'cluster' ? clusters.map(({ value }) => value) : assignments.map(({ resource }) => resource);
