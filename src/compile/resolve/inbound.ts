import { isProxyPort } from '../../model/proxy.ts';
import { isHttp, type Service, type ServicePort } from '../../model/service.ts';
import type { InboundPlan, InboundPort } from '../../plan/listener.ts';
import { durationMs } from '../../rules/duration.ts';
import type { InboundFacts, Membership } from '../inbound-facts.ts';
import type { Reading } from '../world/reading.ts';
import { speaksHttp2 } from './destinations.ts';

/** The ports by which workloads may be served, whatever their services are at present. */
export const targetPorts = ({ memberships }: InboundFacts): readonly number[] =>
  [...new Set(memberships.flatMap(({ ports }) => ports.map(([, number]) => number)))].sort((a, b) => a - b);

/** The services that say what a port is, if one of them does. */
const membersOn = ({ memberships }: InboundFacts, targetPort: number): readonly Membership[] =>
  memberships.filter(({ ports }) => ports.some(([, number]) => number === targetPort));

/** What workloads serve on one port; null: nothing. */
export function resolveInboundPort(facts: InboundFacts, targetPort: number, reading: Reading): InboundPort | null {
  if (isProxyPort(targetPort)) return null;
  const all = membersOn(facts, targetPort).flatMap((member) => {
    const service = reading.service(member.service);
    return service === undefined ? [] : candidates(service, member, targetPort);
  });
  const best = all.reduce<Candidate | undefined>(
    (first, one) => (first === undefined || compareCandidates(one, first) < 0 ? one : first),
    undefined,
  );
  return best?.port ?? null;
}

/** What of the plan of workloads no port has a part in. */
export const resolveInboundFrame = ({ families, transparent }: InboundFacts, reading: Reading): InboundPlan => ({
  ports: [],
  families,
  transparent,
  connectTimeoutMs: durationMs(reading.mesh().connectTimeout),
});

/** How the service of a port stands in origins and problems. */
export const portOrigin = ({ service }: InboundPort): string => `service/${service}`;

interface Candidate {
  readonly service: Service;
  readonly rank: number;
  readonly port: InboundPort;
}

function candidates(service: Service, { ports, rank, service: key }: Membership, at: number): readonly Candidate[] {
  const targets = new Map(ports);
  return service.ports.flatMap((port) => {
    if (targets.get(port.name) !== at || port.protocol === 'udp') return [];
    return [{ service, rank, port: { service: key, ...inboundPort(port, at) } }];
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
