import { serviceKey } from '../model/names.ts';
import { isHttp, type Service, type ServicePort } from '../model/service.ts';
import { type InboundPlan, type InboundPort, isProxyPort } from '../plan/listener.ts';
import { encodeCluster, encodeListener } from '../proto/json.ts';
import type { XdsType } from '../proto/resource.ts';
import { durationMs } from '../rules/duration.ts';
import type { Contribution, LayerKey, TableChange } from './contract.ts';
import type { ProxyFacts } from './facts.ts';
import { generateInboundClusters, virtualInbound } from './generators/inbound.ts';
import { speaksHttp2 } from './resolve/destinations.ts';
import { ipFamiliesOf } from './resolve/ip-families.ts';
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
}

/** The plan of a proxy's workloads, or `null` when the kernel brings no traffic to it. */
export function inboundPlanOf(proxy: ProxyFacts, world: World): InboundPlan | null {
  const interception = proxy.get('interception');
  if (proxy.get('role') !== 'sidecar' || interception === 'none') return null;
  const addresses = proxy.get('addresses');
  return {
    ports: servedPorts(addresses, world),
    families: ipFamiliesOf(addresses),
    transparent: interception === 'tproxy',
    connectTimeoutMs: durationMs(world.mesh().connectTimeout),
  };
}

export const inboundKey = (plan: InboundPlan): LayerKey => `inbound:${JSON.stringify(plan)}` as LayerKey;

export function createInboundLayer(key: LayerKey, plan: InboundPlan): InboundLayer {
  const tables = createTables(key);
  const clusterName = ({ targetPort }: InboundPort) => `inbound|${targetPort}||`;
  const originOf = ({ service }: InboundPort) => `service/${service}`;
  let isCompiled = false;
  let since = 0;
  return {
    origins: [...new Set(plan.ports.map(originOf))],
    compile(revision) {
      if (isCompiled) return 0;
      isCompiled = true;
      since = revision;
      const clusters = generateInboundClusters(plan);
      for (const cluster of clusters) tables.set('cluster', encodeCluster(cluster));
      tables.set('listener', encodeListener(virtualInbound(plan)));
      return clusters.length + 1;
    },
    takeChanges: () => tables.takeChanges(),
    originsOf(type, name) {
      const serves = (port: InboundPort) => type === 'listener' || name === clusterName(port);
      return [...new Set(plan.ports.filter(serves).map(originOf))];
    },
    *contributionsOf(origin) {
      const ports = plan.ports.filter((port) => originOf(port) === origin);
      if (ports.length === 0) return;
      for (const port of ports) yield { layer: key, type: 'cluster', name: clusterName(port), since };
      yield { layer: key, type: 'listener', name: 'virtualInbound', since };
    },
  };
}

/** One port per target port: of several services on one, the oldest decides what it speaks. */
function servedPorts(addresses: readonly string[], world: World): readonly InboundPort[] {
  const served = new Map<number, { readonly service: Service; readonly port: InboundPort }>();
  for (const address of addresses) {
    world.memberships.ask(address);
    for (const key of world.memberships.servicesAt(address)) {
      const service = world.service(key);
      const endpoints = world.endpoints(key)?.endpoints ?? [];
      if (service === undefined) continue;
      for (const endpoint of endpoints.filter((it) => it.address === address)) {
        for (const candidate of candidates(service, endpoint.ports)) {
          const best = served.get(candidate.port.targetPort);
          if (best === undefined || compareCandidates(candidate, best) < 0)
            served.set(candidate.port.targetPort, candidate);
        }
      }
    }
  }
  return [...served.values()].map(({ port }) => port).sort((a, b) => a.targetPort - b.targetPort);
}

function candidates(service: Service, ports: Readonly<Record<string, number>>) {
  return service.ports.flatMap((port) => {
    const targetPort = ports[port.name];
    if (targetPort === undefined || port.protocol === 'udp' || isProxyPort(targetPort)) return [];
    return [{ service, port: inboundPort(service, port, targetPort) }];
  });
}

const inboundPort = (service: Service, port: ServicePort, targetPort: number): InboundPort => ({
  service: serviceKey(service.namespace, service.hostname),
  portName: port.name,
  servicePort: port.number,
  targetPort,
  protocol: isHttp(port.protocol) ? (speaksHttp2(port) ? 'http2' : 'http') : 'tcp',
});

type Candidate = ReturnType<typeof candidates>[number];

const compareCandidates = (a: Candidate, b: Candidate): number =>
  a.service.createdAtMs - b.service.createdAtMs ||
  compare(a.port.service, b.port.service) ||
  a.port.servicePort - b.port.servicePort;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
