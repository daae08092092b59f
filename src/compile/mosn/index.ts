import type { Dialect } from '../dialect.ts';
import { envoyWith } from '../envoy/index.ts';
import { routerAlone } from '../http-filters/index.ts';
import { generateMosnChain, generateMosnFrame, mosnInboundClusters, mosnOutbound } from './listeners.ts';
import { narrowForMosn } from './narrow.ts';
import { generateMosnVirtualHostBody } from './routes.ts';

const base = envoyWith(routerAlone);

/** Dialect of MOSN as a sidecar. */
export const mosn: Dialect = {
  ...base,
  hasFilterChains: false,
  assignmentForm: 'one-locality',
  knowsHealth: false,
  narrow: narrowForMosn,
  frame: generateMosnFrame,
  chain: generateMosnChain,
  virtualHostBody: generateMosnVirtualHostBody,
  outboundFixed: (plan) => ({ ...base.outboundFixed(plan), listeners: mosnOutbound(plan) }),
  inboundClusters: mosnInboundClusters,
};
