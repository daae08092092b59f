import { defaultMeshConfig, type MeshConfig } from '../rules/mesh-config.ts';
import type { Compiler, FlushResult, FlushWork, LayerKey } from './contract.ts';
import { createProxyFacts } from './facts.ts';
import { createInboundLayer, type InboundLayer, inboundKey, inboundPlanOf } from './inbound.ts';
import { createScope, type Scope } from './scope.ts';
import { type Coarseness, scopeFactsOf, scopeKey } from './scope-key.ts';
import { createAssignmentPool } from './tables/assignments.ts';
import type { Shelves } from './tables/host-parts.ts';
import { createOriginIndex } from './tables/origin-index.ts';
import { createProblemIndex } from './tables/problem-index.ts';
import { createShelf } from './tables/shelf.ts';
import { createDirty, type Dirty } from './world/dirty.ts';
import { movedOrNull } from './world/moved.ts';
import { createWorld } from './world/world.ts';

export interface CompilerOptions {
  /** The last part of Kubernetes hostnames; completes short names in rules. `cluster.local` when left out. */
  readonly domainSuffix?: string;
  /** What holds until a change of type `mesh` comes. */
  readonly mesh?: MeshConfig;
  /** `exact` gives every namespace and DNS domain a scope of its own; for tests. */
  readonly scopes?: Coarseness;
  /** After so many hosts compiled for new scopes, a flush leaves the other new ones to the next. 2,000 when left out. */
  readonly newHostsPerFlush?: number;
}

/** The compiler of the dialect `envoy`. See docs/adr/0002 and 0003. */
export function createCompiler(options: CompilerOptions = {}): Compiler {
  const { domainSuffix = 'cluster.local', mesh = defaultMeshConfig, scopes: coarseness = 'coarse' } = options;
  const { newHostsPerFlush = 2_000 } = options;
  const world = createWorld(mesh, domainSuffix);
  const work = { hostsCompiled: 0, encoded: 0, assembled: 0 };
  const assignments = createAssignmentPool(world, () => work.assembled++);
  const shelves = createShelves(work);
  const problems = createProblemIndex();
  const scopes = new Map<LayerKey, Scope>();
  /** Scopes that no flush has compiled yet, the oldest first. */
  const fresh = new Set<LayerKey>();
  const inboundLayers = new Map<LayerKey, InboundLayer>();
  /** Scopes by their Sidecar, inbound layers by their services. */
  const layersByOrigin = new Map<string, Set<LayerKey>>();
  const dirtyListeners: Parameters<Compiler['onDirty']>[0][] = [];
  let dirty = createDirty();

  return {
    apply(changes) {
      for (const change of changes) world.apply(change, dirty);
    },
    layersOf(proxy) {
      const facts = createProxyFacts(proxy);
      const scopeFacts = scopeFactsOf(facts, world, coarseness);
      const key = scopeKey(scopeFacts);
      if (!scopes.has(key)) {
        const onHostCompiled = () => work.hostsCompiled++;
        scopes.set(key, createScope({ key, facts: scopeFacts, world, shelves, assignments, problems, onHostCompiled }));
        fresh.add(key);
        if (scopeFacts.sidecar !== null) addTo(layersByOrigin, scopeFacts.sidecar, key);
      }
      const plan = inboundPlanOf(facts, world);
      if (plan === null) return [key];
      const inbound = inboundKey(plan);
      if (!inboundLayers.has(inbound)) {
        const layer = createInboundLayer(inbound, plan, problems);
        inboundLayers.set(inbound, layer);
        for (const origin of layer.origins) addTo(layersByOrigin, origin, inbound);
      }
      return [key, inbound];
    },
    close(layer) {
      scopes.get(layer)?.dispose();
      inboundLayers.get(layer)?.dispose();
      for (const origin of inboundLayers.get(layer)?.origins ?? []) removeFrom(layersByOrigin, origin, layer);
      const sidecar = scopes.get(layer)?.sidecar ?? null;
      if (sidecar !== null) removeFrom(layersByOrigin, sidecar, layer);
      scopes.delete(layer);
      fresh.delete(layer);
      inboundLayers.delete(layer);
    },
    mesh: {
      domainSuffix,
      mesh: world.mesh,
      servicesOf: world.servicesOf,
      serviceHosts: world.serviceHosts,
      endpoints: world.endpoints,
      sidecars: world.rules.sidecars,
    },
    onDirty: (listener) => void dirtyListeners.push(listener),
    *flush(revision = 0) {
      for (const listener of dirtyListeners) listener(dirty);
      yield* distribute(dirty, scopes.values());
      for (const service of dirty.endpoints) {
        assignments.endpointsChanged(service);
        dirty.endpoints.delete(service);
        yield;
      }
      for (const [key, scope] of scopes) if (!fresh.has(key)) yield* scope.compile(revision);
      const hostsBefore = work.hostsCompiled;
      for (const key of fresh) {
        yield* scopes.get(key)?.compile(revision) ?? [];
        fresh.delete(key);
        if (work.hostsCompiled - hostsBefore >= newHostsPerFlush) break;
      }
      for (const layer of inboundLayers.values()) {
        const encoded = layer.compile(revision);
        work.encoded += encoded;
        if (encoded > 0) yield;
      }
      const moved = movedOrNull(dirty.moved);
      dirty = createDirty();
      const layers = [...scopes.values(), ...inboundLayers.values()];
      const changes = layers.flatMap((layer) => layer.takeChanges());
      return { changes, moved, deferred: new Set(fresh), work: takeWork(work) };
    },
    originsOf: (layer, type, name, part) =>
      (scopes.get(layer) ?? inboundLayers.get(layer))?.originsOf(type, name, part) ?? [],
    *contributionsOf(origin) {
      const hosts = [...shelves.origins.hostsOf(origin)];
      if (hosts.length > 0) for (const scope of scopes.values()) yield* scope.contributionsOf(origin, hosts);
      for (const layer of layersByOrigin.get(origin) ?? []) {
        yield* inboundLayers.get(layer)?.contributionsOf(origin) ?? [];
      }
    },
    scopesOf: (sidecar) => layersByOrigin.get(sidecar) ?? [],
    problems: () => new Map([...problems.origins()].map((origin) => [origin, problems.of(origin)])),
    problemsOf: problems.of,
  };
}

/** Tells every scope what is dirty. Repeating it is harmless, so a flush that is given up loses nothing. */
function* distribute(dirty: Dirty, scopes: Iterable<Scope>): Generator<undefined, void, undefined> {
  for (const scope of scopes) {
    scope.mark(dirty);
    yield;
  }
  dirty.keys.clear();
  dirty.sidecars.clear();
  dirty.mesh = false;
}

function createShelves(work: { encoded: number; assembled: number }): Shelves {
  const onEncode = () => work.encoded++;
  return {
    clusters: createShelf(onEncode),
    listeners: createShelf(onEncode),
    bodies: createShelf(onEncode),
    hosts: createShelf(() => {}), // its parts were counted
    origins: createOriginIndex(),
    records: createShelf(() => {}), // name and domains in front of a body: nothing is encoded
    configurations: createShelf(() => work.assembled++),
    pieces: createShelf(() => {}), // parts of what is counted
  };
}

function addTo(sets: Map<string, Set<LayerKey>>, origin: string, layer: LayerKey): void {
  const layers = sets.get(origin);
  if (layers === undefined) sets.set(origin, new Set([layer]));
  else layers.add(layer);
}

function removeFrom(sets: Map<string, Set<LayerKey>>, origin: string, layer: LayerKey): void {
  const layers = sets.get(origin);
  layers?.delete(layer);
  if (layers?.size === 0) sets.delete(origin);
}

function takeWork(work: { hostsCompiled: number; encoded: number; assembled: number }): FlushWork {
  const taken: FlushResult['work'] = { ...work };
  Object.assign(work, { hostsCompiled: 0, encoded: 0, assembled: 0 });
  return taken;
}
