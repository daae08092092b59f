import type { Dialect } from '../dialect.ts';
import { generateChain, generateFrame } from '../generators/chains.ts';
import { blackHoleCluster, generateCluster, passthroughCluster } from '../generators/clusters.ts';
import { generateInboundClusters } from '../generators/inbound.ts';
import { virtualOutbound } from '../generators/listeners.ts';
import { generateUnknownHosts, generateVirtualHostBody, routeConfigurationTail } from '../generators/routes.ts';
import { generateTarget } from '../generators/targets.ts';
import { httpFilterKinds } from '../http-filters/index.ts';
import type { HttpFilterKind } from '../http-filters/kind.ts';

/** Creates Envoy's dialect with these HTTP filters. */
export const envoyWith = (filters: readonly HttpFilterKind[]): Dialect => ({
  isProxy: true,
  hasFilterChains: true,
  assignmentForm: 'full',
  knowsHealth: true,
  narrow: (plan) => plan,
  cluster: generateCluster,
  frame: generateFrame,
  chain: (plan) => generateChain(plan, filters),
  target: (plan) => generateTarget(plan, filters),
  virtualHostBody: (plan) => generateVirtualHostBody(plan, filters),
  unknownHosts: generateUnknownHosts,
  routeEnd: { json: routeConfigurationTail, format: '2/' },
  outboundFixed: (plan) => ({
    clusters: [blackHoleCluster, passthroughCluster(plan.connectTimeoutMs)],
    listeners: plan.captured === null ? [] : [virtualOutbound(plan.unknownHosts, plan.captured)],
  }),
  inboundClusters: generateInboundClusters,
  serverListeners: () => [],
});

export const envoy = envoyWith(httpFilterKinds);
