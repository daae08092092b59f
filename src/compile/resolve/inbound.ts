import { isProxyPort, proxyPorts } from '../../model/proxy.ts';
import { isDetected, isHttp, type Protocol } from '../../model/service.ts';
import { anyAddress } from '../../plan/ip-families.ts';
import {
  anyConnection,
  type ChainMatch,
  type FilterChainPlan,
  type InboundPlan,
  type InboundPort,
  type ListenerFrame,
  plainHttp,
  virtualInboundName,
} from '../../plan/listener.ts';
import { durationMs } from '../../rules/duration.ts';
import type { ClientTraits } from '../client-traits.ts';
import type { InboundFacts } from '../inbound-facts.ts';
import { serviceOrigin, speaksHttp2 } from './destinations.ts';
import { resolveInboundLimits } from './inbound-limits.ts';
import { type InboundContext, serviceOn } from './inbound-services.ts';

/** Plans one port of workloads by its service; null if no service uses it. */
export function resolveInboundPort(context: InboundContext, targetPort: number): InboundPort | null {
  if (isProxyPort(targetPort)) return null;
  const found = serviceOn(context, targetPort);
  if (found === null) return null;
  const { service, port } = found;
  return {
    portName: port.name,
    servicePort: port.number,
    targetPort,
    protocol: inboundProtocol(port.protocol),
    binds: anyAddress[context.facts.families],
    bindsToPort: false,
    endpoint: { type: 'original-destination' },
    origins: [serviceOrigin(service)],
    ...resolveInboundLimits(context, { targetPort, found }),
  };
}

/** Returns the protocol of requests that a proxy forwards to its workload. */
export function inboundProtocol(protocol: Protocol): InboundPort['protocol'] {
  if (isHttp(protocol)) return speaksHttp2({ protocol }) ? 'http2' : 'http';
  return isDetected(protocol) ? 'detected' : 'tcp';
}

/** Plans the part of an inbound layer that does not depend on ports. */
export const resolveInboundFrame = ({ facts: { families, interception }, world }: InboundContext): InboundPlan => ({
  ports: [],
  families,
  captured: interception !== 'none',
  connectTimeoutMs: durationMs(world.mesh().connectTimeout),
});

/**
 * Plans the chains of one port, or those of connections to ports without a service. The kernel redirects all
 * connections from outside to one listener, except to ports with a listener of their own.
 */
export function resolveInboundChains(
  port: InboundPort | null,
  facts: InboundFacts,
  { isProxy, hasFilterChains }: ClientTraits,
): readonly FilterChainPlan[] {
  const common = {
    listener: virtualInbound(facts),
    takesRest: false,
    isForUnknown: false,
    takesAnyAddress: false,
    createdAtMs: 0,
    origins: port?.origins ?? [],
  };
  const name = port === null ? '' : `${port.binds[0]}_${port.targetPort}`;
  const chain = (chainName: string, match: ChainMatch, servesHttp: boolean): FilterChainPlan => ({
    ...common,
    ...(port?.bindsToPort ? { listener: ownListener(port, name) } : {}),
    name: chainName,
    match,
    traffic: { type: 'served', port, isHttp: servesHttp },
  });
  if (!port?.bindsToPort && (!isProxy || facts.interception === 'none')) return [];
  if (port !== null) {
    const match = port.bindsToPort ? anyConnection : { ...anyConnection, port: port.targetPort };
    if (port.protocol !== 'detected') return [chain(name, match, port.protocol !== 'tcp')];
    const detected = hasFilterChains ? [chain(name, { ...match, protocols: plainHttp }, true)] : [];
    return [...detected, chain(name, match, false)];
  }
  if (!hasFilterChains) return [chain('virtualInbound-catchall-http', anyConnection, false)];
  return [
    { ...common, ...blackHole },
    chain('virtualInbound-catchall-http', { ...anyConnection, protocols: plainHttp }, true),
    chain(virtualInboundName, anyConnection, false),
  ];
}

const virtualInbound = ({ families, interception }: InboundFacts): ListenerFrame => ({
  name: virtualInboundName,
  direction: 'inbound',
  binds: anyAddress[families],
  port: proxyPorts.inbound,
  bindsToPort: true,
  transparent: interception === 'tproxy',
});

/** Plans a listener at the port itself, to which clients connect without redirection. */
const ownListener = ({ binds, targetPort }: InboundPort, name: string): ListenerFrame => ({
  name,
  direction: 'inbound',
  binds,
  port: targetPort,
  bindsToPort: true,
  transparent: false,
});

/** Chain for connections to the listener's own port, which would loop. */
const blackHole = {
  name: 'virtualInbound-blackhole',
  match: { ...anyConnection, port: proxyPorts.inbound },
  traffic: {
    type: 'tcp' as const,
    targets: [{ destination: 'BlackHoleCluster', weight: 1, headers: null, rewriteHost: null }],
  },
};
