import type { ClientPlace, DestinationPlan } from '../plan/destination.ts';
import type { HostPlan } from '../plan/host.ts';
import type { OutboundFixedPlan } from '../plan/layer.ts';
import type { FilterChainPlan, InboundPlan, ListenerFrame, TargetPlan } from '../plan/listener.ts';
import type { UnknownHosts, VirtualHostPlan } from '../plan/route.ts';
import type { FilterChainJson, RouteConfigurationJson, VirtualHostJson } from '../proto/json.ts';
import type { ClientTraits } from './client-traits.ts';
import type { Inspections } from './generators/chains.ts';
import type { NamedCluster } from './generators/clusters.ts';
import type { NamedListener } from './generators/listeners.ts';

/** Messages of a layer that belong to no host. */
export interface LayerMessages {
  readonly clusters: readonly NamedCluster[];
  readonly listeners: readonly NamedListener[];
}

/** Dialect of one kind of client: it writes the plans. Only dialects distinguish kinds of clients. */
export interface Dialect extends ClientTraits {
  /** Removes the parts of a plan that such clients do not support or would understand differently, and reports them. */
  narrow(plan: HostPlan): HostPlan;
  /** `place` is that of the clients if the cluster depends on it. */
  cluster(plan: DestinationPlan, place?: ClientPlace): NamedCluster;
  /** Returns a listener without its chains. */
  frame(plan: ListenerFrame, inspections: Inspections): NamedListener;
  /** Returns a chain without its match. */
  chain(plan: FilterChainPlan): FilterChainJson;
  target(plan: TargetPlan): NamedListener;
  /** Returns a virtual host without name and domains. */
  virtualHostBody(plan: Pick<VirtualHostPlan, 'routes'>): VirtualHostJson;
  /** Returns the virtual host for unknown hosts of a route configuration. */
  unknownHosts(policy: UnknownHosts): VirtualHostJson;
  /** Fields after the virtual hosts of a route configuration. `format` names this form and is part of every version. */
  readonly routeEnd: { readonly json: RouteConfigurationJson; readonly format: string };
  outboundFixed(plan: OutboundFixedPlan): LayerMessages;
  /** Returns the clusters of the ports of a plan; of a plan without ports, the clusters that need none. */
  inboundClusters(plan: InboundPlan): LayerMessages['clusters'];
  /** Returns the listeners of servers without a proxy, which accept connections themselves. */
  serverListeners(plan: InboundPlan): LayerMessages['listeners'];
}
