import { ruleKinds as allRuleKinds } from '../rules/kinds/index.ts';
import { sidecar } from '../rules/kinds/sidecar/index.ts';
import { defaultMeshConfig, type MeshConfig } from '../rules/mesh-config.ts';
import type { RuleKind } from '../rules/rule.ts';
import { createContentPool } from './content-pool.ts';
import type { Compiler, FlushWork } from './contract.ts';
import { createProxyFacts } from './facts.ts';
import type { LayerKind, SharedParts, Work } from './layer.ts';
import { layerKinds } from './layer-kinds.ts';
import { createOpenLayers } from './open-layers.ts';
import type { Coarseness } from './scope-key.ts';
import { createAssignmentPool } from './tables/assignments.ts';
import type { ContentPools } from './tables/host-parts.ts';
import { createOriginIndex } from './tables/origin-index.ts';
import { createProblemIndex } from './tables/problem-index.ts';
import { createDirty, type Dirty } from './world/dirty.ts';
import { movedOrNull } from './world/moved-proxies.ts';
import { createWorld, type WorldOptions } from './world/world.ts';

export interface CompilerOptions {
  /** Last part of Kubernetes hostnames; completes short names in rules. Default: `cluster.local`. */
  readonly domainSuffix?: string;
  /** Mesh configuration until the first change of type `mesh`. */
  readonly mesh?: MeshConfig;
  /** Kinds of rules that may be applied. Default: all. */
  readonly ruleKinds?: readonly RuleKind[];
  /** `exact` gives each namespace and DNS domain its own scope; for tests. */
  readonly scopes?: Coarseness;
  /** Hosts compiled for new scopes per flush. The remaining new scopes wait for the next flush. Default: 2,000. */
  readonly newHostsPerFlush?: number;
  /** Kinds of layers of a view, in its order. Default: those of layer-kinds.ts. */
  readonly kinds?: readonly LayerKind<unknown>[];
}

/** Creates the compiler of all layers. See docs/adr/0002, 0003 and 0017. */
export function createCompiler(options: CompilerOptions = {}): Compiler {
  const { domainSuffix = 'cluster.local', mesh = defaultMeshConfig, scopes: coarseness = 'coarse' } = options;
  const { newHostsPerFlush = 2_000, kinds = layerKinds(coarseness), ruleKinds = allRuleKinds } = options;
  const shared = createSharedParts({ mesh, domainSuffix, kinds: ruleKinds });
  const { world, work, problems, assignments } = shared;
  const layers = createOpenLayers(shared);
  const dirtyListeners: Parameters<Compiler['onDirty']>[0][] = [];
  let dirty = createDirty();

  /** Marks the dirty parts in every layer. Idempotent, so an aborted flush loses nothing. */
  function* distribute(from: Dirty): Generator<undefined, void, undefined> {
    for (const kind of kinds) kind.mark?.(from);
    yield* layers.mark(from);
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
        return [layers.open(kind, own)];
      });
    },
    joined({ addresses }) {
      for (const address of addresses) world.proxyAddresses.add(address);
    },
    left({ addresses }) {
      for (const address of addresses) world.proxyAddresses.remove(address);
    },
    labelsOf: world.workloadLabels.of,
    close: layers.close,
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
      yield* layers.compile(revision, newHostsPerFlush);
      const moved = movedOrNull(dirty.moved);
      dirty = createDirty();
      const changes = layers.takeChanges();
      for (const kind of kinds) kind.flushed?.();
      const { layersCompiled } = work;
      return { changes, moved, deferred: layers.uncompiled(), layersCompiled, work: takeWork(work) };
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
    layersSelecting: layers.selecting,
    problems: () => new Map([...problems.origins()].map((origin) => [origin, problems.of(origin)])),
    problemsOf: problems.of,
  };
}

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
    frames: createContentPool(() => {}), // listeners are counted
    chains: createContentPool(() => {}),
    bodies: createContentPool(onEncode),
    hosts: createContentPool(() => {}), // its parts are counted
    origins: createOriginIndex(),
    records: createContentPool(() => {}), // name and domains before a body: no encoding
    configurations: createContentPool(() => work.assembled++),
    chunks: createContentPool(() => {}), // parts of configurations, which are counted
  };
}

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
