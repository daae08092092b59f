import type { FilterChainPlan, InboundPlan, InboundPort } from '../plan/listener.ts';
import type { PlanProblem, UnitPlan } from '../plan/unit.ts';
import type { SidecarRule } from '../rules/kinds/sidecar/index.ts';
import { ruleId } from '../rules/rule.ts';
import type { ClientTraits } from './client-traits.ts';
import type { InboundFacts } from './inbound-facts.ts';
import type { LayerParts } from './layer.ts';
import { resolveInboundChains, resolveInboundFrame, resolveInboundPort } from './resolve/inbound.ts';
import { type InboundContext, targetPorts } from './resolve/inbound-services.ts';
import { resolveIngressPort } from './resolve/ingress.ts';
import { type ChainPart, encodeChain, releaseChain, retainChain } from './tables/chain-parts.ts';
import { isSameContent, isSameList, isSamePooled } from './tables/contributions.ts';
import type { ListenerTable } from './tables/listener-table.ts';
import type { Tables } from './tables/tables.ts';
import type { UnitKind } from './units.ts';
import { trackedReader } from './world/world-reader.ts';
import type { Writer, WrittenMessages } from './writer.ts';

/** Unit for configuration that every workload has. Other units are ports, by number. */
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
  /** Returns the current Sidecar, if it has inbound settings. */
  sidecar(): SidecarRule | null;
}

/** Creates the units of a workload group: one for common configuration, then one per port. */
export function inboundUnits(options: InboundUnitOptions): UnitKind<InboundUnitPlan, InboundUnitParts> {
  const { facts, client, writer, parts, tables, listeners, sidecar } = options;
  const { world, pools, layersByOrigin, key: layer } = parts;
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
    keys: () => [workloadKey, ...portNumbers(facts, client, sidecar()).map(String)],
    unitOf: () => null,
    resolve(key) {
      const isOfPort = key !== workloadKey;
      const reader = trackedReader(world, null);
      const context = { facts, sidecar: sidecar(), world: reader };
      const problems = isOfPort ? [] : [...unsupported(context.sidecar, client)];
      const port = isOfPort ? portPlan(context, Number(key), client, problems) : null;
      const isServed = port !== null || (!isOfPort && (facts.interception !== 'none' || !client.isProxy));
      return {
        port,
        inbound: isServed ? { ...resolveInboundFrame(context), ports: port === null ? [] : [port] } : null,
        chains: isServed ? resolveInboundChains(port, facts, client) : [],
        references: [],
        dependencies: [...reader.dependencies()],
        problems,
      };
    },
    isEmpty: ({ inbound }) => inbound === null,
    encode({ port, inbound, chains }) {
      if (inbound === null) return noParts;
      isFrameWrong &&= port !== null;
      const messages = writer.inbound(inbound);
      try {
        return { port, ...messages, chains: encodeChains(chains, port === null ? '' : unitName(port)) };
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
        problems: port.origins.map((origin) => ({
          origin,
          message: `port ${port.targetPort} is not served: ${fault}`,
        })),
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
      layersByOrigin.add(layer, originsOfPort(after.port));
      layersByOrigin.remove(layer, originsOfPort(before.port));
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

/** Returns the services and rules that contribute to a port. */
export const originsOfPort = (port: InboundPort | null): readonly string[] =>
  port === null ? [] : [...port.origins, ...port.limitOrigins];

const unitName = ({ binds: [bind], targetPort }: InboundPort): string => `${bind}_${targetPort}`;

/** Returns the ports of the Sidecar's ingress listeners; without any, those of the services. */
function portNumbers(facts: InboundFacts, client: ClientTraits, sidecar: SidecarRule | null): readonly number[] {
  const ingress = client.hasFilterChains ? ingressPorts(sidecar) : [];
  return ingress.length > 0 ? ingress : targetPorts(facts);
}

const ingressPorts = (sidecar: SidecarRule | null): readonly number[] =>
  (sidecar?.spec.ingress ?? []).map(({ port }) => port.number ?? 0);

function portPlan(context: InboundContext, port: number, client: ClientTraits, problems: PlanProblem[]) {
  const { sidecar } = context;
  if (sidecar !== null && client.hasFilterChains && ingressPorts(sidecar).length > 0) {
    return resolveIngressPort({ ...context, sidecar }, port, problems);
  }
  return resolveInboundPort(context, port);
}

/** Returns problems of a Sidecar whose inbound settings such clients do not support. */
function* unsupported(sidecar: SidecarRule | null, client: ClientTraits): Generator<PlanProblem> {
  if (sidecar === null || client.hasFilterChains) return;
  const clients = client.isProxy ? 'MOSN' : 'gRPC servers';
  for (const field of ['ingress', 'inboundConnectionPool'] as const) {
    if (sidecar.spec[field] === undefined) continue;
    yield { origin: ruleId(sidecar), message: `not in effect yet: spec.${field} for ${clients}` };
  }
}
