import { anyAddress, type InboundPlan, type InboundPort } from '../plan/listener.ts';
import type { UnitPlan } from '../plan/unit.ts';
import type { EncodedResource } from '../proto/resource.ts';
import type { InboundFacts } from './inbound-facts.ts';
import type { LayerParts } from './layer.ts';
import { portOrigin, resolveInboundFrame, resolveInboundPort, targetPorts } from './resolve/inbound.ts';
import type { Shelved } from './shelf.ts';
import { isSameList, isSameShelved } from './tables/contributions.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { notedReading } from './world/reading.ts';
import type { Writer, WrittenMessages } from './writer.ts';

/** The unit of what workloads have whatever they serve; others are ports: `<bind>_<port>`. */
export const workloadKey = 'workload';

/** What workloads are told with one port, or with none. */
export interface InboundUnitPlan extends UnitPlan {
  readonly port: InboundPort | null;
  /** Null: no service names the port. */
  readonly inbound: InboundPlan | null;
}

export interface HeldInbound extends WrittenMessages {
  readonly port: InboundPort | null;
  /** The listeners as they would be with this port alone: what Envoy would reject of the port is found in them. */
  readonly listeners: readonly Shelved<EncodedResource>[];
}

const nothing: HeldInbound = { port: null, clusters: [], listeners: [] };

export interface InboundUnitOptions {
  readonly facts: InboundFacts;
  readonly writer: Writer;
  readonly parts: LayerParts;
  readonly tables: Tables;
  /** Told that the listeners are to be put together again. */
  changed(): void;
}

/** The ports of workloads as units, after one for what they have in common. */
export function inboundUnits(options: InboundUnitOptions): UnitKind<InboundUnitPlan, HeldInbound> {
  const { facts, writer, parts, tables, changed } = options;
  const { world, layersByOrigin, key: layer } = parts;
  const [bind] = anyAddress[facts.families];
  const portsByKey = new Map(targetPorts(facts).map((port) => [`${bind}_${port}`, port]));
  /** Then it is not the fault of a port that it cannot be encoded. */
  let isFrameWrong = false;

  return {
    nothing,
    keys: () => [workloadKey, ...portsByKey.keys()],
    ownOf: () => null,
    resolve(key) {
      const targetPort = portsByKey.get(key);
      const reading = notedReading(world, null);
      const port = targetPort === undefined ? null : resolveInboundPort(facts, targetPort, reading);
      const frame = resolveInboundFrame(facts, reading);
      return {
        port,
        inbound: key === workloadKey ? frame : port === null ? null : { ...frame, ports: [port] },
        references: [],
        dependencies: [...reading.dependencies()],
        problems: [],
      };
    },
    isEmpty: ({ inbound }) => inbound === null,
    encode({ port, inbound }) {
      if (inbound === null) return nothing;
      isFrameWrong &&= port !== null;
      return { port, ...writer.inbound(inbound) };
    },
    onFault({ port }, error) {
      const fault = error instanceof Error ? error.message : String(error);
      isFrameWrong ||= port === null;
      if (port === null || isFrameWrong) return { keepsLast: true, problems: [] }; // the mesh configuration's, which is told
      return {
        keepsLast: false,
        problems: [{ origin: portOrigin(port), message: `port ${port.targetPort} is not served: ${fault}` }],
      };
    },
    install(_, before, after) {
      const kept = new Set(after.clusters.map(({ value }) => value.name));
      for (const { value } of before.clusters) if (!kept.has(value.name)) tables.delete('cluster', value.name);
      for (const { value } of after.clusters) tables.set('cluster', value);
      if (after.port !== null) layersByOrigin.add(layer, [portOrigin(after.port)]);
      if (before.port !== null) layersByOrigin.remove(layer, [portOrigin(before.port)]);
      changed();
    },
    since: ({ parts: before, since }, after, revision) => ({
      cluster: isSameList(before.clusters, after.clusters, isSameShelved) ? since.cluster : revision,
      listener: isSameList(before.listeners, after.listeners, isSameShelved) ? since.listener : revision,
      route: revision,
    }),
    retain: writer.retain,
    release: writer.release,
    heedsReferences: () => false,
    onCompiled: () => {},
  };
}
