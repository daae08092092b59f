import { err, ok, type Result } from '../lib/result.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { serviceKey } from '../model/names.ts';
import { isProxyPort, type Proxy } from '../model/proxy.ts';
import { isHttp, type Service, type ServicePort } from '../model/service.ts';
import type { PlanProblem } from '../plan/host.ts';
import type { InboundPlan, InboundPort } from '../plan/listener.ts';
import { encodeCluster, encodeListener } from '../proto/json.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import { durationMs } from '../rules/duration.ts';
import type { Contribution, LayerKey, TableChange } from './contract.ts';
import type { ProxyFacts } from './facts.ts';
import { generateInboundClusters, inboundClusterNames, virtualInbound } from './generators/inbound.ts';
import { generateServerListeners, serverListenerNames } from './grpc/servers.ts';
import { speaksHttp2 } from './resolve/destinations.ts';
import { ipFamiliesOf } from './resolve/ip-families.ts';
import type { ProblemIndex } from './tables/problem-index.ts';
import { createTables } from './tables/tables.ts';
import type { World } from './world/world.ts';

/**
 * The inbound layer of a workload group. Its key is its whole plan: it never changes, and nothing that happens
 * elsewhere can change it. A workload that serves something else gets another layer.
 */
export interface InboundLayer {
  /** The services that it serves, as origins. */
  readonly origins: readonly string[];
  /** Compiles the layer, once; `revision` is that of the result. Returns how many messages were encoded. */
  compile(revision: number): number;
  takeChanges(): readonly TableChange[];
  originsOf(type: XdsType, name: string): readonly string[];
  /** What one of its services contributes to. */
  contributionsOf(origin: string): Iterable<Contribution>;
  dispose(): void;
}

/**
 * The plan of a proxy's workloads, or `null` when the kernel brings no traffic to it. gRPC servers take it themselves:
 * whatever their addresses and interception are, those of equal ports have one layer.
 */
export function inboundPlanOf(proxy: ProxyFacts, world: World): InboundPlan | null {
  const client = proxy.get('client');
  const interception = proxy.get('interception');
  const addresses = proxy.get('addresses');
  if (proxy.get('role') !== 'sidecar') return null;
  const namespace = proxy.get('namespace');
  if (client === 'grpc') return serverPlan(servedPorts({ addresses, namespace }, world));
  if (interception === 'none') return null;
  return {
    client,
    ports: client === 'mosn' ? [] : servedPorts({ addresses, namespace }, world), // it has no chains to tell them apart
    families: ipFamiliesOf(addresses),
    transparent: interception === 'tproxy',
    connectTimeoutMs: durationMs(world.mesh().connectTimeout),
  };
}

const serverPlan = (ports: readonly InboundPort[]): InboundPlan | null =>
  ports.length === 0 ? null : { client: 'grpc', ports, families: 'dual', transparent: false, connectTimeoutMs: 0 };

export const inboundKey = (plan: InboundPlan): LayerKey => `inbound:${JSON.stringify(plan)}` as LayerKey;

/** Ports that cannot be served are told of in `index`. */
export function createInboundLayer(key: LayerKey, plan: InboundPlan, index: ProblemIndex): InboundLayer {
  const tables = createTables(key);
  /** The ports that are compiled: those that are right. */
  let { ports } = plan;
  let problems: readonly PlanProblem[] = [];
  let isCompiled = false;
  let since = 0;
  return {
    origins: [...new Set(plan.ports.map(originOf))],
    compile(revision) {
      if (isCompiled) return 0;
      isCompiled = true;
      since = revision;
      const made = encodeOrLeaveOut(plan);
      ({ ports, problems } = made);
      index.replace([], problems);
      for (const cluster of made.clusters) tables.set('cluster', cluster);
      for (const listener of made.listeners) tables.set('listener', listener);
      return made.clusters.length + made.listeners.length;
    },
    takeChanges: () => tables.takeChanges(),
    originsOf(type, name) {
      const isOf = (port: InboundPort) => plan.client !== 'grpc' || serverListenerNames(port).includes(name);
      const serves = (port: InboundPort) =>
        type === 'listener' ? isOf(port) : inboundClusterNames(port).includes(name);
      return [...new Set(ports.filter(serves).map(originOf))];
    },
    *contributionsOf(origin) {
      const own = ports.filter((port) => originOf(port) === origin);
      if (own.length === 0) return;
      const isServer = plan.client === 'grpc';
      const listeners = isServer ? own.flatMap(serverListenerNames) : ['virtualInbound'];
      const clusters = isServer ? [] : own.flatMap(inboundClusterNames);
      for (const name of clusters) yield { layer: key, type: 'cluster', name, since };
      for (const name of listeners) yield { layer: key, type: 'listener', name, since };
    },
    dispose: () => index.replace(problems, []),
  };
}

const originOf = ({ service }: InboundPort): string => `service/${service}`;

interface EncodedInbound {
  readonly ports: readonly InboundPort[];
  readonly clusters: readonly EncodedResource[];
  readonly listeners: readonly EncodedResource[];
  readonly problems: readonly PlanProblem[];
}

/** A port that Envoy would reject is served as one that no service names; the others are not touched by it. */
function encodeOrLeaveOut(plan: InboundPlan): EncodedInbound {
  const all = attempt(plan);
  if (all.ok) return { ...all.value, problems: [] };
  const alone = plan.ports.map((port) => ({ port, made: attempt({ ...plan, ports: [port] }) }));
  const right = attempt({ ...plan, ports: alone.filter(({ made }) => made.ok).map(({ port }) => port) });
  return {
    ...(right.ok ? right.value : { ports: [], clusters: [], listeners: [] }),
    problems: alone.flatMap(({ port, made }) => {
      const fault = made.ok ? (right.ok ? null : right.error) : made.error;
      return fault === null
        ? []
        : [{ origin: originOf(port), message: `port ${port.targetPort} is not served: ${fault}` }];
    }),
  };
}

function attempt(plan: InboundPlan): Result<Omit<EncodedInbound, 'problems'>, string> {
  try {
    return ok({ ports: plan.ports, ...encodeInbound(plan) });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

function encodeInbound(plan: InboundPlan): Pick<EncodedInbound, 'clusters' | 'listeners'> {
  const isServer = plan.client === 'grpc';
  const listeners = isServer ? generateServerListeners(plan.ports) : [virtualInbound(plan)];
  return {
    clusters: isServer ? [] : generateInboundClusters(plan).map(encodeCluster),
    listeners: listeners.map(encodeListener),
  };
}

/** One port per target port. */
function servedPorts({ addresses, namespace }: Pick<Proxy, 'addresses' | 'namespace'>, world: World) {
  const served = new Map<number, Candidate>();
  for (const address of addresses) {
    world.workloads.ask(address);
    for (const { service: key, endpoint } of world.workloads.at(address)) {
      const service = world.service(key);
      for (const candidate of service === undefined ? [] : candidates(service, endpoint)) {
        const best = served.get(candidate.port.targetPort);
        if (best === undefined || compareCandidates(candidate, best, namespace) < 0)
          served.set(candidate.port.targetPort, candidate);
      }
    }
  }
  return [...served.values()].map(({ port }) => port).sort((a, b) => a.targetPort - b.targetPort);
}

interface Candidate {
  readonly service: Service;
  readonly isDeparted: boolean;
  readonly port: InboundPort;
}

function candidates(service: Service, { ports, health }: Endpoint): readonly Candidate[] {
  return service.ports.flatMap((port) => {
    const targetPort = ports[port.name];
    if (targetPort === undefined || port.protocol === 'udp' || isProxyPort(targetPort)) return [];
    return [{ service, isDeparted: health === 'departed', port: inboundPort(service, port, targetPort) }];
  });
}

const inboundPort = (service: Service, port: ServicePort, targetPort: number): InboundPort => ({
  service: serviceKey(service.namespace, service.hostname),
  portName: port.name,
  servicePort: port.number,
  targetPort,
  protocol: isHttp(port.protocol) ? (speaksHttp2(port) ? 'http2' : 'http') : 'tcp',
});

/**
 * Of several services on one target port, that of the workload's own namespace decides what the port speaks: others may have
 * written down any address. Then one that has the endpoint now, then the oldest.
 */
const compareCandidates = (a: Candidate, b: Candidate, namespace: string): number =>
  Number(b.service.namespace === namespace) - Number(a.service.namespace === namespace) ||
  Number(a.isDeparted) - Number(b.isDeparted) ||
  a.service.createdAtMs - b.service.createdAtMs ||
  compare(a.port.service, b.port.service) ||
  a.port.servicePort - b.port.servicePort;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
