import type { OutboundFixedPlan } from '../../plan/layer.ts';
import type { FilterChainPlan, InboundPlan, ListenerFrame } from '../../plan/listener.ts';
import type { FilterChainJson } from '../../proto/json.ts';
import { generateChain, generateFrame, type Inspections } from '../generators/chains.ts';
import { inboundCluster, type NamedCluster } from '../generators/clusters.ts';
import { passthroughFilter } from '../generators/inbound.ts';
import { catchAllChain, type NamedListener, virtualOutbound } from '../generators/listeners.ts';
import { routerAlone } from '../http-filters/index.ts';

/** MOSN reads an older field for whether a listener has a socket. */
export const generateMosnFrame = (frame: ListenerFrame, inspections: Inspections): NamedListener => ({
  ...generateFrame(frame, inspections),
  ...(frame.bindsToPort ? {} : { deprecatedV1: { bindToPort: false } }),
});

/** It knows the cluster of ports that no service names by the name that this once had. */
export const generateMosnChain = (plan: FilterChainPlan): FilterChainJson => ({
  ...generateChain(plan, routerAlone),
  ...(plan.traffic.type === 'served' ? { filters: [passthroughFilter(passthrough)] } : {}),
});

/** Its listeners have one chain. */
export const mosnOutbound = ({ unknownHosts, captured }: OutboundFixedPlan): readonly NamedListener[] =>
  captured === null
    ? []
    : [{ ...virtualOutbound(unknownHosts, captured), filterChains: [catchAllChain(unknownHosts)] }];

const passthrough = 'InboundPassthroughClusterIpv4';

export const mosnInboundClusters = (plan: InboundPlan): readonly NamedCluster[] => [
  inboundCluster(passthrough, false, plan),
];
