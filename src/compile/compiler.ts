import { ruleKinds as allRuleKinds } from '../rules/kinds/index.ts';
import { sidecar } from '../rules/kinds/sidecar/index.ts';
import { defaultMeshConfig, type MeshConfig } from '../rules/mesh-config.ts';
import type { RuleKind } from '../rules/rule.ts';
import { createContentPool } from './content-pool.ts';
import type { Compiler, FlushWork, LayerKey } from './contract.ts';
import { createProxyFacts } from './facts.ts';
import type { Layer, LayerKind, SharedParts, Work } from './layer.ts';
import { layerKinds } from './layer-kinds.ts';
import type { Coarseness } from './scope-key.ts';
import { createAssignmentPool } from './tables/assignments.ts';
import type { ContentPools } from './tables/host-parts.ts';
import { createOriginIndex } from './tables/origin-index.ts';
import { createProblemIndex } from './tables/problem-index.ts';
import { createDirty, type Dirty } from './world/dirty.ts';
import { movedOrNull } from './world/moved-proxies.ts';
import { createWorld, type WorldOptions } from './world/world.ts';

export interface CompilerOptions {
  /** The last part of Kubernetes hostnames; completes short names in rules. `cluster.local` when left out. */
  readonly domainSuffix?: string;
  /** Mesh configuration until the first change of type `mesh`. */
  readonly mesh?: MeshConfig;
  /** Kinds of rules that may be applied; all by default. */
  readonly ruleKinds?: readonly RuleKind[];
  /** `exact` gives every namespace and DNS domain a scope of its own; for tests. */
  readonly scopes?: Coarseness;
  /** After so many hosts compiled for new scopes, a flush leaves the other new ones to the next. 2,000 when left out. */
  readonly newHostsPerFlush?: number;
  /** The kinds of layers of a view, in its order; left out: those of layer-kinds.ts. */
  readonly kinds?: readonly LayerKind<unknown>[];
}

interface OpenLayer {
  readonly layer: Layer;
  readonly kind: LayerKind<unknown>;
  /** The rules that were selected for it. */
  readonly selected: readonly string[];
}

/** The compiler of all layers. See docs/adr/0002, 0003 and 0017. */
export function createCompiler(options: CompilerOptions = {}): Compiler {
  const { domainSuffix = 'cluster.local', mesh = defaultMeshConfig, scopes: coarseness = 'coarse' } = options;
  const { newHostsPerFlush = 2_000, kinds = layerKinds(coarseness), ruleKinds = allRuleKinds } = options;
  const shared = createSharedParts({ mesh, domainSuffix, kinds: ruleKinds });
  const { world, work, problems, assignments } = shared;
  const layers = new Map<LayerKey, OpenLayer>();
  /** Layers that no flush has compiled yet, the oldest first. */
  const newLayers = new Set<LayerKey>();
  /** Others that are to be compiled. Outlives a flush that is given up. */
  const dirtyLayers = new Set<LayerKey>();
  const layersByRule = new Map<string, Set<LayerKey>>();
  const dirtyListeners: Parameters<Compiler['onDirty']>[0][] = [];
  let dirty = createDirty();

  const open = <Facts>(key: LayerKey, kind: LayerKind<Facts>, facts: Facts) => {
    const selected = kind.selected(facts);
    layers.set(key, { layer: kind.create(facts, { ...shared, key }), kind, selected });
    newLayers.add(key);
    for (const rule of selected) addTo(layersByRule, rule, key);
  };
  /** Tells every layer what is dirty. Repeating it is harmless, so a flush that is given up loses nothing. */
  function* distribute(from: Dirty): Generator<undefined, void, undefined> {
    for (const kind of kinds) kind.mark?.(from);
    for (const [key, { layer }] of layers) {
      if (layer.mark(from) && !newLayers.has(key)) dirtyLayers.add(key);
      yield;
    }
    from.keys.clear();
    from.selecting.clear();
    from.mesh = false;
  }

  return {
    apply(changes) {
      for (const change of changes) world.apply(change, dirty);
    },
    layersOf(proxy) {
      const facts = createProxyFacts(proxy, world.workloadLabels.of);
      return kinds.flatMap((kind) => {
        const own = kind.factsOf(facts, world);
        if (own === null) return [];
        const key = keyOf(kind, own);
        if (!layers.has(key)) open(key, kind, own);
        return [key];
      });
    },
    joined({ addresses }) {
      for (const address of addresses) world.proxyAddresses.add(address);
    },
    left({ addresses }) {
      for (const address of addresses) world.proxyAddresses.remove(address);
    },
    labelsOf: world.workloadLabels.of,
    close(key) {
      const closed = layers.get(key);
      closed?.layer.dispose();
      for (const rule of closed?.selected ?? []) removeFrom(layersByRule, rule, key);
      layers.delete(key);
      newLayers.delete(key);
      dirtyLayers.delete(key);
    },
    mesh: {
      domainSuffix,
      mesh: world.mesh,
      servicesOf: world.servicesOf,
      serviceHosts: world.serviceHosts,
      endpoints: world.endpoints,
      sidecars: (namespace) => world.rules.inNamespace(sidecar, namespace),
    },
    onDirty: (listener) => void dirtyListeners.push(listener),
    *flush(revision = 0) {
      for (const listener of dirtyListeners) listener(dirty);
      yield* distribute(dirty);
      for (const service of dirty.endpoints) {
        assignments.endpointsChanged(service);
        dirty.endpoints.delete(service);
        yield;
      }
      for (const key of dirtyLayers) {
        work.layersCompiled++;
        yield* layers.get(key)?.layer.compile(revision) ?? [];
        dirtyLayers.delete(key);
      }
      const before = costOf(work);
      for (const key of newLayers) {
        const opened = layers.get(key);
        if (opened?.kind.mayWait && costOf(work) - before >= newHostsPerFlush) continue;
        work.layersCompiled++;
        yield* opened?.layer.compile(revision) ?? [];
        newLayers.delete(key);
      }
      const moved = movedOrNull(dirty.moved);
      dirty = createDirty();
      const changes = [...layers.values()].flatMap(({ layer }) => layer.takeChanges());
      for (const kind of kinds) kind.flushed?.();
      const { layersCompiled } = work;
      return { changes, moved, deferred: new Set(newLayers), layersCompiled, work: takeWork(work) };
    },
    partsOf: (layer, type, name) => layers.get(layer)?.layer.partsOf(type, name) ?? [],
    *contributionsOf(origin) {
      for (const kind of kinds) {
        const keys = kind.layersWith(origin, shared);
        for (const key of keys === 'all' ? layers.keys() : keys) {
          const opened = layers.get(key);
          if (opened?.kind === kind) yield* opened.layer.contributionsOf(origin);
        }
      }
    },
    layersSelecting: (rule) => layersByRule.get(rule) ?? [],
    problems: () => new Map([...problems.origins()].map((origin) => [origin, problems.of(origin)])),
    problemsOf: problems.of,
  };
}

// The one place that makes one: facts are plain data, so that equal facts are equal texts.
const keyOf = ({ kind }: LayerKind<unknown>, facts: unknown) => `${kind}:${JSON.stringify(facts)}` as LayerKey;

function createSharedParts(options: WorldOptions): SharedParts {
  const world = createWorld(options);
  const work = { layersCompiled: 0, hostsCompiled: 0, hostsShared: 0, encoded: 0, assembled: 0 };
  return {
    world,
    work,
    pools: createContentPools(work),
    assignments: createAssignmentPool(world, () => work.assembled++),
    problems: createProblemIndex(),
    layersByOrigin: createOriginIndex(),
  };
}

function createContentPools(work: { encoded: number; assembled: number }): ContentPools {
  const onEncode = () => work.encoded++;
  return {
    clusters: createContentPool(onEncode),
    listeners: createContentPool(onEncode),
    frames: createContentPool(() => {}), // parts of listeners, which were counted
    chains: createContentPool(() => {}),
    bodies: createContentPool(onEncode),
    hosts: createContentPool(() => {}), // its parts were counted
    origins: createOriginIndex(),
    records: createContentPool(() => {}), // name and domains in front of a body: nothing is encoded
    configurations: createContentPool(() => work.assembled++),
    chunks: createContentPool(() => {}), // parts of what is counted
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

/** In hosts compiled: one that is known costs a small part of that. */
const costOf = ({ hostsCompiled, hostsShared }: Work): number => hostsCompiled + hostsShared / 8;

function takeWork(work: Work): FlushWork {
  const { hostsCompiled, encoded, assembled } = work;
  Object.assign(work, {
    layersCompiled: 0,
    hostsCompiled: 0,
    hostsShared: 0,
    encoded: 0,
    assembled: 0,
  } satisfies Work);
  return { hostsCompiled, encoded, assembled };
}
