import type { InboundPlan, InboundPort } from '../../plan/listener.ts';
import type { RetryPlan } from '../../plan/route.ts';
import type { HttpFilterKind } from '../http-filters/kind.ts';
import { writeHttpFilters } from '../http-filters/write.ts';
import { inboundCluster, type NamedCluster } from './clusters.ts';
import { type FilterJson, httpConnectionManager, tcpFilter } from './listeners.ts';
import { generateRoute } from './routes.ts';

const inboundPassthrough = 'InboundPassthroughCluster';

/** The clusters of the ports that a workload serves; without any, that of all other connections. */
export const generateInboundClusters = (plan: InboundPlan): readonly NamedCluster[] =>
  plan.ports.length === 0
    ? [inboundCluster(inboundPassthrough, false, plan)]
    : plan.ports.flatMap((port) => [
        inboundCluster(clusterName(port), port.protocol === 'http2', plan),
        ...(port.protocol === 'http' ? [inboundCluster(grpcClusterName(port), true, plan)] : []),
      ]);

/** Filters for connections to ports that no service names: they are passed on unchanged. */
export const passthroughFilter = (cluster = inboundPassthrough): FilterJson => tcpFilter(cluster, [target(cluster)]);

const target = (destination: string) => ({ destination, weight: 1, headers: null });

const clusterName = ({ targetPort }: InboundPort): string => `inbound|${targetPort}||`;

/**
 * gRPC needs HTTP/2, whatever the port is called. Other requests stay with HTTP/1, also those that come over HTTP/2: a
 * client's proxy may have upgraded them (`h2UpgradePolicy`), and the workload need not understand it.
 */
const grpcClusterName = ({ targetPort }: InboundPort): string => `inbound|${targetPort}|grpc|`;

/** A request that the workload never saw may be sent again; anything else may not. */
const inboundRetries: RetryPlan = {
  retryOn: 'reset-before-request',
  statusCodes: [],
  attempts: 2,
  perTryTimeoutMs: null,
  backoffMs: null,
  avoidPreviousHosts: false,
};

/** Filters for connections to a port that a service names. `bind` is the first address of their listener. */
export function servedFilter(port: InboundPort, bind: string, filters: readonly HttpFilterKind[]): FilterJson {
  const statPrefix = `inbound_${bind}_${port.targetPort}`;
  const destination = clusterName(port);
  if (port.protocol === 'tcp') return tcpFilter(statPrefix, [target(destination)]);
  return httpConnectionManager({
    statPrefix,
    httpFilters: writeHttpFilters([], filters),
    normalizePath: true,
    httpProtocolOptions: { acceptHttp10: true, defaultHostForHttp10: 'localhost' }, // health checks that name no host
    routeConfig: {
      name: destination,
      validateClusters: false,
      virtualHosts: [
        { name: `inbound|http|${port.servicePort}`, domains: ['*'], routes: inboundRoutes(port, filters) },
      ],
    },
  });
}

function inboundRoutes(port: InboundPort, filters: readonly HttpFilterKind[]) {
  const route = generateRoute(
    {
      name: 'default',
      match: { path: { type: 'prefix', value: '/', ignoreCase: false }, headers: [], query: [] },
      headers: null,
      perFilter: [],
      action: {
        type: 'forward',
        targets: [target(clusterName(port))],
        timeoutMs: 0,
        retries: inboundRetries,
        rewritePath: null,
        rewriteHost: null,
        mirrors: [],
      },
    },
    filters,
  );
  if (port.protocol !== 'http') return [route];
  const grpc = { match: { ...route.match, grpc: {} }, route: { ...route.route, cluster: grpcClusterName(port) } };
  return [{ ...route, name: 'grpc', ...grpc }, route];
}
