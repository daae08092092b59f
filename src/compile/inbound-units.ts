import { hostOfKey } from '../model/names.ts';
import { anyAddress, type InboundPlan, type InboundPort } from '../plan/listener.ts';
import type { UnitPlan } from '../plan/unit.ts';
import type { EncodedResource } from '../proto/resource.ts';
import type { NamedCluster } from './generators/clusters.ts';
import { generateInboundClusters, inboundClusterNames, virtualInbound } from './generators/inbound.ts';
import type { NamedListener } from './generators/listeners.ts';
import { generateServerListeners } from './grpc/servers.ts';
import { httpFilterKinds } from './http-filters/index.ts';
import type { InboundFacts } from './inbound-facts.ts';
import type { LayerParts } from './layer.ts';
import { membersOn, portOrigin, resolveInboundFrame, resolveInboundPort, targetPorts } from './resolve/inbound.ts';
import { isSameList, isSameShelved } from './tables/contributions.ts';
import { takeCluster, takeListener } from './tables/host-parts.ts';
import type { Shelved } from './tables/shelf.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { serviceDep } from './world/dirty.ts';

/** The unit of what workloads have whatever they serve; others are ports: `<bind>_<port>`. */
export const workloadKey = 'workload';

/** What workloads are told with one port, or with none. */
export interface InboundUnitPlan extends UnitPlan {
  readonly port: InboundPort | null;
  /** Null: no service names the port. */
  readonly inbound: InboundPlan | null;
}

export interface HeldInbound {
  readonly port: InboundPort | null;
  readonly clusters: readonly Shelved<EncodedResource>[];
  /** The listeners as they would be with this port alone: what Envoy would reject of the port is found in them. */
  readonly listeners: readonly Shelved<EncodedResource>[];
}

const nothing: HeldInbound = { port: null, clusters: [], listeners: [] };

export interface InboundUnitOptions {
  readonly facts: InboundFacts;
  readonly parts: LayerParts;
  readonly tables: Tables;
  /** Told that the listeners are to be put together again. */
  changed(): void;
}

/** The ports of workloads as units, after one for what they have in common. */
export function inboundUnits(options: InboundUnitOptions): UnitKind<InboundUnitPlan, HeldInbound> {
  const { facts, parts, tables, changed } = options;
  const { world, shelves, layersByOrigin, key: layer } = parts;
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
      const port = targetPort === undefined ? null : resolveInboundPort(facts, targetPort, world);
      const frame = resolveInboundFrame(facts, world);
      return {
        port,
        inbound: key === workloadKey ? frame : port === null ? null : { ...frame, ports: [port] },
        references: [],
        dependencies: targetPort === undefined ? [] : dependenciesOf(facts, targetPort),
        problems: [],
      };
    },
    isEmpty: ({ inbound }) => inbound === null,
    encode({ port, inbound }) {
      if (inbound === null) return nothing;
      isFrameWrong &&= port !== null;
      return { port, ...takeMessages(inbound, shelves) };
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

const dependenciesOf = (facts: InboundFacts, targetPort: number): readonly string[] => [
  ...new Set(membersOn(facts, targetPort).map(({ service }) => serviceDep(hostOfKey(service)))),
];

type Messages = Pick<HeldInbound, 'clusters' | 'listeners'>;

/** Encodes what a plan adds for its ports, or what it is without any. Throws, and holds nothing, when Envoy would reject it. */
function takeMessages(plan: InboundPlan, shelves: LayerParts['shelves']): Messages {
  const names = new Set(plan.ports.flatMap(inboundClusterNames));
  const clusters: Shelved<EncodedResource>[] = [];
  try {
    for (const cluster of inboundClusters(plan)) {
      if (plan.ports.length === 0 || names.has(cluster.name)) clusters.push(takeCluster(cluster, shelves));
    }
    return { clusters, listeners: takeListeners(plan, shelves) };
  } catch (error) {
    for (const cluster of clusters) shelves.clusters.release(cluster);
    throw error;
  }
}

/** Encodes the listeners of a plan as a whole. Throws, and holds nothing, when Envoy would reject one. */
export function takeListeners(plan: InboundPlan, shelves: LayerParts['shelves']): Messages['listeners'] {
  const listeners: Shelved<EncodedResource>[] = [];
  try {
    for (const listener of inboundListeners(plan)) listeners.push(takeListener(listener, shelves));
    return listeners;
  } catch (error) {
    for (const listener of listeners) shelves.listeners.release(listener);
    throw error;
  }
}

const inboundClusters = (plan: InboundPlan): readonly NamedCluster[] =>
  plan.client === 'grpc' ? [] : generateInboundClusters(plan);

const inboundListeners = (plan: InboundPlan): readonly NamedListener[] =>
  plan.client === 'grpc' ? generateServerListeners(plan.ports) : [virtualInbound(plan, httpFilterKinds)];
