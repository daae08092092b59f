import type { Dialect } from '../dialect.ts';
import { envoyWith } from '../envoy/index.ts';
import { routerAlone } from '../http-filters/index.ts';
import { generateGrpcCluster } from './clusters.ts';
import { narrowForGrpc } from './narrow.ts';
import { generateGrpcVirtualHostBody } from './routes.ts';
import { generateServerListeners } from './servers.ts';

/**
 * Dialect of clients and servers with gRPC's own support of xDS. They know only resources that they request by name.
 */
export const grpc: Dialect = {
  ...envoyWith(routerAlone),
  isProxy: false,
  hasFilterChains: false,
  assignmentForm: 'plain',
  knowsHealth: false,
  narrow: narrowForGrpc,
  cluster: generateGrpcCluster,
  virtualHostBody: generateGrpcVirtualHostBody,
  routeEnd: { json: {}, format: 'grpc/' },
  outboundFixed: () => ({ clusters: [], listeners: [] }),
  inboundClusters: () => [],
  serverListeners: ({ ports }) => generateServerListeners(ports),
};
