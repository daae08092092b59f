import type { DestinationPlan } from '../plan/destination.ts';
import type { HostPlan } from '../plan/host.ts';
import type { OutboundFixedPlan } from '../plan/layer.ts';
import type { FilterChainPlan, InboundPlan, ListenerFrame, TargetPlan } from '../plan/listener.ts';
import type { RouteConfigurationPlan, VirtualHostPlan } from '../plan/route.ts';
import type { FilterChainJson, RouteConfigurationJson, VirtualHostJson } from '../proto/json.ts';
import type { ClientTraits } from './client-traits.ts';
import type { Inspections } from './generators/chains.ts';
import type { NamedCluster } from './generators/clusters.ts';
import type { NamedListener } from './generators/listeners.ts';

/** Messages of a layer that no host has. */
export interface LayerMessages {
  readonly clusters: readonly NamedCluster[];
  readonly listeners: readonly NamedListener[];
}

/** How plans are written for one kind of client. The only place where kinds of clients differ in what they are told. */
export interface Dialect extends ClientTraits {
  /** Leaves of a plan what such clients can be told, so that it means the same to them, and reports the rest. */
  narrow(plan: HostPlan): HostPlan;
  cluster(plan: DestinationPlan): NamedCluster;
  /** A listener without its chains. */
  frame(plan: ListenerFrame, inspections: Inspections): NamedListener;
  /** A chain without its match. */
  chain(plan: FilterChainPlan): FilterChainJson;
  target(plan: TargetPlan): NamedListener;
  /** A virtual host without name and domains. */
  virtualHostBody(plan: Pick<VirtualHostPlan, 'routes'>): VirtualHostJson;
  /** The virtual host of a route configuration that answers for hosts that nobody has. */
  unknownHosts(policy: RouteConfigurationPlan['unknownHosts']): VirtualHostJson;
  /** Fields after the virtual hosts of a route configuration. `format` names this form and is part of every version. */
  readonly routeEnd: { readonly json: RouteConfigurationJson; readonly format: string };
  outboundFixed(plan: OutboundFixedPlan): LayerMessages;
  /** Of the ports of a plan, or those that there are without any. */
  inboundClusters(plan: InboundPlan): LayerMessages['clusters'];
  /** Those of servers without a proxy, which take connections themselves. */
  serverListeners(plan: InboundPlan): LayerMessages['listeners'];
}
