import type { OutboundFixedPlan } from '../../plan/layer.ts';
import type { FilterChainPlan, InboundPlan, ListenerFrame } from '../../plan/listener.ts';
import type { FilterChainJson } from '../../proto/json.ts';
import { generateChain, generateFrame, type Inspections } from '../generators/chains.ts';
import type { NamedCluster } from '../generators/clusters.ts';
import { inboundPassthroughCluster, passthroughFilter } from '../generators/inbound.ts';
import { catchAllChain, type NamedListener, virtualOutbound } from '../generators/listeners.ts';
import { routerAlone } from '../http-filters/index.ts';

/** Generates a listener without chains. MOSN reads an older field for listeners without a socket. */
export const generateMosnFrame = (frame: ListenerFrame, inspections: Inspections): NamedListener => ({
  ...generateFrame(frame, inspections),
  ...(frame.bindsToPort ? {} : { deprecatedV1: { bindToPort: false } }),
});

/** Generates a chain. MOSN knows the cluster of ports without a service by an older name. */
export const generateMosnChain = (plan: FilterChainPlan): FilterChainJson => ({
  ...generateChain(plan, routerAlone),
  ...(plan.traffic.type === 'served' ? { filters: [passthroughFilter(passthrough)] } : {}),
});

/** Generates the outbound listener. Listeners of MOSN have one chain. */
export const mosnOutbound = ({ unknownHosts, captured }: OutboundFixedPlan): readonly NamedListener[] =>
  captured === null
    ? []
    : [{ ...virtualOutbound(unknownHosts, captured), filterChains: [catchAllChain(unknownHosts)] }];

const passthrough = 'InboundPassthroughClusterIpv4';

export const mosnInboundClusters = (plan: InboundPlan): readonly NamedCluster[] => [
  inboundPassthroughCluster(passthrough, plan, 'http1'),
];
