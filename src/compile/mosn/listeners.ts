import type { OutboundFixedPlan } from '../../plan/layer.ts';
import type { InboundPlan, ListenerPlan } from '../../plan/listener.ts';
import { inboundCluster, type NamedCluster } from '../generators/clusters.ts';
import { inboundCatchAll, virtualInbound } from '../generators/inbound.ts';
import { catchAllChain, generateListener, type NamedListener, virtualOutbound } from '../generators/listeners.ts';
import { routerAlone } from '../http-filters/index.ts';

/** MOSN reads an older field for whether a listener has a socket. */
export const generateMosnListener = (plan: ListenerPlan): NamedListener => ({
  ...generateListener(plan, routerAlone),
  ...(plan.bindsToPort ? {} : { deprecatedV1: { bindToPort: false } }),
});

/** Its listeners have one chain. */
export const mosnOutbound = ({ unknownHosts, captured }: OutboundFixedPlan): readonly NamedListener[] =>
  captured === null
    ? []
    : [{ ...virtualOutbound(unknownHosts, captured), filterChains: [catchAllChain(unknownHosts)] }];

/** It passes everything on as it is, and knows the cluster for that by the name that it once had. */
const passthrough = 'InboundPassthroughClusterIpv4';

export const mosnInboundClusters = (plan: InboundPlan): readonly NamedCluster[] => [
  inboundCluster(passthrough, false, plan),
];

export const mosnInboundListeners = (plan: InboundPlan): readonly NamedListener[] => [
  { ...virtualInbound(plan, routerAlone), filterChains: [inboundCatchAll(passthrough)] },
];
