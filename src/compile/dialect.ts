import type { ClientKind } from '../model/proxy.ts';
import type { DestinationPlan } from '../plan/destination.ts';
import type { ListenerPlan } from '../plan/listener.ts';
import type { VirtualHostPlan } from '../plan/route.ts';
import { encodeRouteConfigurationHead, type VirtualHostJson } from '../proto/json.ts';
import { generateCluster, type NamedCluster } from './generators/clusters.ts';
import { generateListener, type NamedListener } from './generators/listeners.ts';
import { generateVirtualHostBody, routeConfigurationTail } from './generators/routes.ts';
import { generateGrpcCluster } from './grpc/clusters.ts';
import { generateGrpcVirtualHostBody } from './grpc/routes.ts';
import { httpFilterKinds } from './http-filters/index.ts';
import { generateMosnListener } from './mosn/listeners.ts';
import { generateMosnVirtualHostBody } from './mosn/routes.ts';

/** How the messages are written that kinds of clients read differently. */
export interface Dialect {
  cluster(plan: DestinationPlan): NamedCluster;
  /** Not of the targets of gRPC clients, which all write alike. */
  listener(plan: ListenerPlan): NamedListener;
  /** A virtual host without name and domains. */
  virtualHostBody(plan: Pick<VirtualHostPlan, 'routes'>): VirtualHostJson;
  readonly routeEnd: RouteEnd;
}

/** What comes after the virtual hosts of a route configuration. */
export interface RouteEnd {
  readonly bytes: Uint8Array;
  /** Part of every version: a change of what stands around the virtual hosts must change the versions. */
  readonly format: string;
}

export const dialectOf = (client: ClientKind): Dialect => dialects[client];

const envoy: Dialect = {
  cluster: generateCluster,
  listener: (plan) => generateListener(plan, httpFilterKinds),
  virtualHostBody: (plan) => generateVirtualHostBody(plan, httpFilterKinds),
  routeEnd: { bytes: encodeRouteConfigurationHead(routeConfigurationTail), format: '2/' },
};

const mosn: Dialect = {
  ...envoy,
  listener: generateMosnListener,
  virtualHostBody: generateMosnVirtualHostBody,
};

const grpc: Dialect = {
  ...envoy,
  cluster: generateGrpcCluster,
  virtualHostBody: generateGrpcVirtualHostBody,
  routeEnd: { bytes: new Uint8Array(0), format: 'grpc/' },
};

const dialects: Readonly<Record<ClientKind, Dialect>> = { envoy, mosn, grpc };
