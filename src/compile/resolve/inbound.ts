import { isProxyPort, proxyPorts } from '../../model/proxy.ts';
import { isHttp, type Service, type ServicePort } from '../../model/service.ts';
import {
  anyAddress,
  anyConnection,
  type ChainMatch,
  type FilterChainPlan,
  type InboundPlan,
  type InboundPort,
  plainHttp,
} from '../../plan/listener.ts';
import { durationMs } from '../../rules/duration.ts';
import type { ClientTraits } from '../client-traits.ts';
import type { InboundFacts, Membership } from '../inbound-facts.ts';
import type { WorldReader } from '../world/world-reader.ts';
import { speaksHttp2 } from './destinations.ts';

/** Returns all target ports of the workloads, whatever their services are at present. */
export const targetPorts = ({ memberships }: InboundFacts): readonly number[] =>
  [...new Set(memberships.flatMap(({ ports }) => ports.map(([, number]) => number)))].sort((a, b) => a - b);

/** Returns the services of a port. */
const membersOn = ({ memberships }: InboundFacts, targetPort: number): readonly Membership[] =>
  memberships.filter(({ ports }) => ports.some(([, number]) => number === targetPort));

/** Plans one port of workloads; null if no service uses it. */
export function resolveInboundPort(facts: InboundFacts, targetPort: number, world: WorldReader): InboundPort | null {
  if (isProxyPort(targetPort)) return null;
  const all = membersOn(facts, targetPort).flatMap((member) => {
    const service = world.service(member.service);
    return service === undefined ? [] : candidates(service, member, targetPort);
  });
  const best = all.reduce<PortCandidate | undefined>(
    (first, one) => (first === undefined || comparePortCandidates(one, first) < 0 ? one : first),
    undefined,
  );
  return best?.port ?? null;
}

/** Plans the part of an inbound layer that does not depend on ports. */
export const resolveInboundFrame = ({ families, transparent }: InboundFacts, world: WorldReader): InboundPlan => ({
  ports: [],
  families,
  transparent,
  connectTimeoutMs: durationMs(world.mesh().connectTimeout),
});

/**
 * Plans the chains of one port, or those of connections to ports without a service. The kernel redirects all
 * connections from outside to one listener.
 */
export function resolveInboundChains(
  port: InboundPort | null,
  { families, transparent }: InboundFacts,
  { isProxy, hasFilterChains }: ClientTraits,
): readonly FilterChainPlan[] {
  if (!isProxy) return [];
  const binds = anyAddress[families];
  const common = {
    listener: {
      name: 'virtualInbound',
      direction: 'inbound' as const,
      binds,
      port: proxyPorts.inbound,
      bindsToPort: true,
      transparent,
    },
    takesRest: false,
    takesAnyAddress: false,
    createdAtMs: 0,
    origins: port === null ? [] : [portOrigin(port)],
  };
  const chain = (name: string, match: ChainMatch, isHttp: boolean): FilterChainPlan => ({
    ...common,
    name,
    match,
    traffic: { type: 'served', port, isHttp },
  });
  if (port !== null) {
    const match = { ...anyConnection, port: port.targetPort };
    const name = `${binds[0]}_${port.targetPort}`;
    if (port.protocol !== 'detected') return [chain(name, match, port.protocol !== 'tcp')];
    const detected = hasFilterChains ? [chain(name, { ...match, protocols: plainHttp }, true)] : [];
    return [...detected, chain(name, match, false)];
  }
  if (!hasFilterChains) return [chain('virtualInbound-catchall-http', anyConnection, false)];
  return [
    { ...common, ...blackHole },
    chain('virtualInbound-catchall-http', { ...anyConnection, protocols: plainHttp }, true),
    chain('virtualInbound', anyConnection, false),
  ];
}

/** Chain for connections to the listener's own port, which would loop. */
const blackHole = {
  name: 'virtualInbound-blackhole',
  match: { ...anyConnection, port: proxyPorts.inbound },
  traffic: { type: 'tcp' as const, targets: [{ destination: 'BlackHoleCluster', weight: 1, headers: null }] },
};

/** Returns the origin of a port's service. */
export const portOrigin = ({ service }: InboundPort): string => `service/${service}`;

interface PortCandidate {
  readonly service: Service;
  readonly rank: number;
  readonly port: InboundPort;
}

function candidates(service: Service, { ports, rank, service: key }: Membership, at: number): readonly PortCandidate[] {
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
  protocol: inboundProtocol(port),
});

function inboundProtocol(port: ServicePort): InboundPort['protocol'] {
  if (isHttp(port.protocol)) return speaksHttp2(port) ? 'http2' : 'http';
  return port.protocol === 'unknown' ? 'detected' : 'tcp';
}

/** Orders services of one port by rank, then by age. */
const comparePortCandidates = (a: PortCandidate, b: PortCandidate): number =>
  a.rank - b.rank ||
  a.service.createdAtMs - b.service.createdAtMs ||
  compare(a.port.service, b.port.service) ||
  a.port.servicePort - b.port.servicePort;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
