import { createCompiler } from '../../src/compile/compiler.ts';
import type { Compiler, FlushResult, LayerKey } from '../../src/compile/contract.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { EncodedResource, XdsType } from '../../src/proto/resource.ts';
import { Coordinator } from '../../src/push/coordinator.ts';
import { discoveryMethods } from '../../src/push/discovery/methods.ts';
import { createRpcServer } from '../../src/rpc/server.ts';
import { syncz } from '../../src/telemetry/debug/client-views.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/** The real protocol and transport, over hand-written resources that no rule produces. */
export interface FixedControlPlane {
  readonly xdsPort: number;
  /** Returns the contents of `/debug/syncz`. */
  readonly syncz: () => Promise<string>;
  stop(): Promise<void>;
}

export type FixedMeshResources = Readonly<Partial<Record<XdsType, readonly EncodedResource[]>>>;

export async function startFixedControlPlane(resources: FixedMeshResources): Promise<FixedControlPlane> {
  const metrics = createMetrics();
  const coordinator = new Coordinator({
    compiler: fixedCompiler(resources),
    take: () => [],
    clock: systemClock,
    log: silentLogger,
    observer: metrics.observer,
    timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
    defer: setImmediate,
    elapsed: () => performance.now(),
  });
  const services = discoveryMethods({
    coordinator,
    log: silentLogger,
    awaited: () => [],
    domainSuffix: 'cluster.local',
  });
  const rpc = createRpcServer({ services, clock: systemClock, log: silentLogger });
  await rpc.listen('127.0.0.1', 0);
  const stopping = new AbortController();
  coordinator.start(stopping.signal);
  return {
    xdsPort: rpc.address?.port ?? 0,
    async syncz() {
      const report = syncz(coordinator).read({});
      if (!report.ok) throw new Error(report.error.message);
      return [...report.value].join('');
    },
    async stop() {
      stopping.abort();
      metrics.stop();
      await rpc.close();
    },
  };
}

/** A compiler with the same constant resources for every proxy. */
function fixedCompiler(resources: FixedMeshResources): Compiler {
  const layer = 'fixed' as LayerKey; // the only key of this compiler
  let isTold = false;
  const changes = (Object.keys(resources) as XdsType[]).map((type) => ({
    layer,
    type,
    changed: resources[type] ?? [],
    removed: [],
  }));
  return {
    apply: () => {},
    joined: () => {},
    left: () => {},
    labelsOf: ({ labels }) => labels,
    layersOf: () => [layer],
    close: () => {},
    // biome-ignore lint/correctness/useYield: it is done in one step
    *flush(): Generator<undefined, FlushResult, undefined> {
      const result = { changes: isTold ? [] : changes, moved: null, deferred: new Set<LayerKey>(), layersCompiled: 1 };
      isTold = true;
      return { ...result, work: { hostsCompiled: 0, encoded: 0, assembled: 0 } };
    },
    partsOf: () => [],
    contributionsOf: () => [],
    layersSelecting: () => [],
    mesh: createCompiler().mesh,
    onDirty: () => {},
    problems: () => new Map(),
    problemsOf: () => [],
  };
}
