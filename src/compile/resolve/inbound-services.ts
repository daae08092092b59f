import type { Service, ServicePort } from '../../model/service.ts';
import type { SidecarRule } from '../../rules/kinds/sidecar/index.ts';
import type { InboundFacts, Membership } from '../inbound-facts.ts';
import type { WorldReader } from '../world/world-reader.ts';

/** Inputs for resolving the inbound ports of workloads. */
export interface InboundContext {
  readonly facts: InboundFacts;
  /** Sidecar with inbound settings. */
  readonly sidecar: SidecarRule | null;
  readonly world: WorldReader;
}

/** Returns all target ports of the workloads, whatever their services are at present. */
export const targetPorts = ({ memberships }: InboundFacts): readonly number[] =>
  [...new Set(memberships.flatMap(({ ports }) => ports.map(([, number]) => number)))].sort((a, b) => a - b);

/** Returns the services of a port. */
const membersOn = ({ memberships }: InboundFacts, targetPort: number): readonly Membership[] =>
  memberships.filter(({ ports }) => ports.some(([, number]) => number === targetPort));

/** Port of a service at the workloads. */
export interface PortOfService {
  readonly service: Service;
  readonly port: ServicePort;
}

/** Returns the service and port that decide about a port of workloads; null if no service has it. */
export function serviceOn({ facts, world }: InboundContext, targetPort: number): PortOfService | null {
  const all = membersOn(facts, targetPort).flatMap((member) => {
    const service = world.service(member.service);
    return service === undefined ? [] : candidates(service, member, targetPort);
  });
  return all.reduce<PortCandidate | null>(
    (first, one) => (first === null || comparePortCandidates(one, first) < 0 ? one : first),
    null,
  );
}

interface PortCandidate extends PortOfService {
  readonly rank: number;
  /** Key of the service. */
  readonly key: string;
}

function candidates(service: Service, { ports, rank, service: key }: Membership, at: number): readonly PortCandidate[] {
  const targets = new Map(ports);
  return service.ports
    .filter(({ name, protocol }) => targets.get(name) === at && protocol !== 'udp')
    .map((port) => ({ service, port, rank, key }));
}

/** Orders services of one port by rank, then by age. */
const comparePortCandidates = (a: PortCandidate, b: PortCandidate): number =>
  a.rank - b.rank ||
  a.service.createdAtMs - b.service.createdAtMs ||
  compare(a.key, b.key) ||
  a.port.number - b.port.number;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
