import { anyAddress, type FilterChainPlan, type InboundPlan, type InboundPort } from '../plan/listener.ts';
import type { UnitPlan } from '../plan/unit.ts';
import type { ClientTraits } from './client-traits.ts';
import type { InboundFacts } from './inbound-facts.ts';
import type { LayerParts } from './layer.ts';
import {
  portOrigin,
  resolveInboundChains,
  resolveInboundFrame,
  resolveInboundPort,
  targetPorts,
} from './resolve/inbound.ts';
import { type ChainPart, encodeChain, releaseChain, retainChain } from './tables/chain-parts.ts';
import { isSameContent, isSameList, isSamePooled } from './tables/contributions.ts';
import type { ListenerTable } from './tables/listener-table.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { trackedReader } from './world/world-reader.ts';
import type { Writer, WrittenMessages } from './writer.ts';

/** Unit for configuration that every workload has. Other units are ports: `<bind>_<port>`. */
export const workloadKey = 'workload';

/** Configuration of one port of workloads, or of workloads without ports. */
export interface InboundUnitPlan extends UnitPlan {
  readonly port: InboundPort | null;
  /** Null if no service names the port. */
  readonly inbound: InboundPlan | null;
  readonly chains: readonly FilterChainPlan[];
}

export interface InboundUnitParts extends WrittenMessages {
  readonly port: InboundPort | null;
  readonly chains: readonly ChainPart[];
}

const noParts: InboundUnitParts = { port: null, clusters: [], listeners: [], chains: [] };

export interface InboundUnitOptions {
  readonly facts: InboundFacts;
  readonly client: ClientTraits;
  readonly writer: Writer;
  readonly parts: LayerParts;
  readonly tables: Tables;
  readonly listeners: ListenerTable;
}

/** Creates the units of a workload group: one for common configuration, then one per port. */
export function inboundUnits(options: InboundUnitOptions): UnitKind<InboundUnitPlan, InboundUnitParts> {
  const { facts, client, writer, parts, tables, listeners } = options;
  const { world, pools, layersByOrigin, key: layer } = parts;
  const [bind] = anyAddress[facts.families];
  const portsByKey = new Map(targetPorts(facts).map((port) => [`${bind}_${port}`, port]));
  /** True if the common configuration cannot be encoded. Faults of ports are then no faults of their services. */
  let isFrameWrong = false;

  const encodeChains = (plans: readonly FilterChainPlan[], unit: string): readonly ChainPart[] => {
    const chains: ChainPart[] = [];
    try {
      for (const plan of plans) chains.push(encodeChain(plan, unit, writer));
      return chains;
    } catch (error) {
      for (const chain of chains) releaseChain(chain, pools);
      throw error;
    }
  };

  return {
    noParts,
    keys: () => [workloadKey, ...portsByKey.keys()],
    unitOf: () => null,
    resolve(key) {
      const targetPort = portsByKey.get(key);
      const reader = trackedReader(world, null);
      const port = targetPort === undefined ? null : resolveInboundPort(facts, targetPort, reader);
      const frame = resolveInboundFrame(facts, reader);
      const isOfPort = targetPort !== undefined;
      return {
        port,
        inbound: isOfPort && port === null ? null : { ...frame, ports: port === null ? [] : [port] },
        chains: isOfPort && port === null ? [] : resolveInboundChains(port, facts, client),
        references: [],
        dependencies: [...reader.dependencies()],
        problems: [],
      };
    },
    isEmpty: ({ inbound }) => inbound === null,
    encode({ port, inbound, chains }) {
      if (inbound === null) return noParts;
      isFrameWrong &&= port !== null;
      const messages = writer.inbound(inbound);
      try {
        return { port, ...messages, chains: encodeChains(chains, port === null ? '' : `${bind}_${port.targetPort}`) };
      } catch (error) {
        writer.release(messages);
        throw error;
      }
    },
    onFault({ port }, error) {
      const fault = error instanceof Error ? error.message : String(error);
      isFrameWrong ||= port === null;
      // The mesh configuration is at fault; outbound layers report it.
      if (port === null || isFrameWrong) return { keepsLastGood: true, problems: [] };
      return {
        keepsLastGood: false,
        problems: [{ origin: portOrigin(port), message: `port ${port.targetPort} is not served: ${fault}` }],
      };
    },
    install(_, before, after) {
      for (const type of ['cluster', 'listener'] as const) {
        const [old, next] =
          type === 'cluster' ? [before.clusters, after.clusters] : [before.listeners, after.listeners];
        const kept = new Set(next.map(({ value }) => value.name));
        for (const { value } of old) if (!kept.has(value.name)) tables.delete(type, value.name);
        for (const { value } of next) tables.set(type, value);
      }
      listeners.replace(before.chains, after.chains);
      if (after.port !== null) layersByOrigin.add(layer, [portOrigin(after.port)]);
      if (before.port !== null) layersByOrigin.remove(layer, [portOrigin(before.port)]);
    },
    since: ({ parts: before, since }, after, revision) => ({
      cluster: isSameList(before.clusters, after.clusters, isSamePooled) ? since.cluster : revision,
      listener:
        isSameList(before.listeners, after.listeners, isSamePooled) &&
        isSameList(before.chains, after.chains, isSameContent)
          ? since.listener
          : revision,
      route: revision,
    }),
    retain(unit) {
      for (const chain of unit.chains) retainChain(chain, pools);
      return writer.retain(unit);
    },
    release(unit) {
      for (const chain of unit.chains) releaseChain(chain, pools);
      writer.release(unit);
    },
    dependsOnReferences: () => false,
    onCompiled: () => {},
  };
}
