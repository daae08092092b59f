import { isProxyPort } from '../../model/proxy.ts';
import { isHttp, type Service, type ServicePort } from '../../model/service.ts';
import type { InboundPlan, InboundPort } from '../../plan/listener.ts';
import { durationMs } from '../../rules/duration.ts';
import type { InboundFacts, Membership } from '../inbound-facts.ts';
import type { World } from '../world/world.ts';
import { speaksHttp2 } from './destinations.ts';

/** Plans what workloads with these facts serve. */
export function resolveInbound(facts: InboundFacts, world: World): InboundPlan {
  const { client, families, transparent, memberships } = facts;
  const ports = servedPorts(memberships, world);
  return {
    client,
    ports,
    families,
    transparent,
    connectTimeoutMs: client === 'grpc' ? 0 : durationMs(world.mesh().connectTimeout), // gRPC servers have no clusters
  };
}

/** How the service of a port stands in origins and problems. */
export const portOrigin = ({ service }: InboundPort): string => `service/${service}`;

/** One port per target port. */
function servedPorts(memberships: readonly Membership[], world: World): readonly InboundPort[] {
  const served = new Map<number, Candidate>();
  for (const membership of memberships) {
    const service = world.service(membership.service);
    for (const candidate of service === undefined ? [] : candidates(service, membership)) {
      const best = served.get(candidate.port.targetPort);
      if (best === undefined || compareCandidates(candidate, best) < 0) {
        served.set(candidate.port.targetPort, candidate);
      }
    }
  }
  return [...served.values()].map(({ port }) => port).sort((a, b) => a.targetPort - b.targetPort);
}

interface Candidate {
  readonly service: Service;
  readonly rank: number;
  readonly port: InboundPort;
}

function candidates(service: Service, { ports, rank, service: key }: Membership): readonly Candidate[] {
  const targets = new Map(ports);
  return service.ports.flatMap((port) => {
    const targetPort = targets.get(port.name);
    if (targetPort === undefined || port.protocol === 'udp' || isProxyPort(targetPort)) return [];
    return [{ service, rank, port: { service: key, ...inboundPort(port, targetPort) } }];
  });
}

const inboundPort = (port: ServicePort, targetPort: number): Omit<InboundPort, 'service'> => ({
  portName: port.name,
  servicePort: port.number,
  targetPort,
  protocol: isHttp(port.protocol) ? (speaksHttp2(port) ? 'http2' : 'http') : 'tcp',
});

/** Where the workload makes no difference, the oldest service decides. */
const compareCandidates = (a: Candidate, b: Candidate): number =>
  a.rank - b.rank ||
  a.service.createdAtMs - b.service.createdAtMs ||
  compare(a.port.service, b.port.service) ||
  a.port.servicePort - b.port.servicePort;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
