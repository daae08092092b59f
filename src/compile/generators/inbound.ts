import type { UpstreamProtocol } from '../../plan/destination.ts';
import type { InboundPlan, InboundPort, ListenerTraffic } from '../../plan/listener.ts';
import type { RetryPlan } from '../../plan/route.ts';
import type { HttpFilterKind } from '../http-filters/kind.ts';
import { writeHttpFilters } from '../http-filters/write.ts';
import { inboundCluster, type NamedCluster } from './clusters.ts';
import { type FilterJson, httpConnectionManager, tcpFilter } from './listeners.ts';
import { generateRoute } from './routes.ts';

const inboundPassthrough = 'InboundPassthroughCluster';

/** Generates the clusters of the ports of a workload; without ports, the cluster of all other connections. */
export const generateInboundClusters = (plan: InboundPlan): readonly NamedCluster[] =>
  plan.ports.length === 0
    ? [inboundPassthroughCluster(inboundPassthrough, plan)]
    : plan.ports.flatMap(({ endpoint, limits, ...port }) => [
        inboundCluster({ name: clusterName(port), protocol: upstreamProtocol(port), endpoint, limits }, plan),
        ...(port.protocol === 'http'
          ? [inboundCluster({ name: grpcClusterName(port), protocol: 'http2', endpoint, limits }, plan)]
          : []),
      ]);

function upstreamProtocol({ keepsProtocol, protocol }: Omit<InboundPort, 'endpoint' | 'limits'>): UpstreamProtocol {
  if (keepsProtocol || protocol === 'detected') return 'client';
  return protocol === 'http2' ? 'http2' : 'http1';
}

/** Generates the cluster of connections to ports without a service. */
export const inboundPassthroughCluster = (
  name: string,
  plan: InboundPlan,
  protocol: UpstreamProtocol = 'client',
): NamedCluster =>
  inboundCluster(
    {
      name,
      protocol,
      endpoint: { type: 'original-destination' },
      limits: { connectTimeoutMs: plan.connectTimeoutMs },
    },
    plan,
  );

/** Generates the filter for connections to ports without a service. They are forwarded unchanged. */
export const passthroughFilter = (cluster = inboundPassthrough): FilterJson => tcpFilter(cluster, [target(cluster)]);

const target = (destination: string) => ({ destination, weight: 1, headers: null, rewriteHost: null });

type PortNumber = Pick<InboundPort, 'targetPort'>;

const clusterName = ({ targetPort }: PortNumber): string => `inbound|${targetPort}||`;

/**
 * Names the cluster for gRPC, which needs HTTP/2 whatever the port's protocol. Other requests use HTTP/1, even if they
 * arrive over HTTP/2. A client's proxy may have upgraded them (`h2UpgradePolicy`), and the workload may not support
 * HTTP/2.
 */
const grpcClusterName = ({ targetPort }: PortNumber): string => `inbound|${targetPort}|grpc|`;

/** Retries of requests that the workload never received. Others must not be sent again. */
const inboundRetries: RetryPlan = {
  retryOn: 'reset-before-request',
  statusCodes: [],
  attempts: 2,
  perTryTimeoutMs: null,
  backoffMs: null,
  avoidPreviousHosts: false,
  avoidPreviousLocalities: false,
};

type ServedTraffic = Extract<ListenerTraffic, { type: 'served' }>;

/** Generates the filter for connections to the workload. */
export function servedFilter({ port, isHttp }: ServedTraffic, filters: readonly HttpFilterKind[]): FilterJson {
  const statPrefix = port === null ? inboundPassthrough : `inbound_${port.binds[0]}_${port.targetPort}`;
  const destination = port === null ? inboundPassthrough : clusterName(port);
  if (!isHttp) return tcpFilter(statPrefix, [target(destination)]);
  return httpConnectionManager({
    statPrefix,
    httpFilters: writeHttpFilters([], filters),
    normalizePath: true,
    httpProtocolOptions: { acceptHttp10: true, defaultHostForHttp10: 'localhost' }, // for health checks without a host
    routeConfig: {
      name: destination,
      validateClusters: false,
      virtualHosts: [
        {
          name: `inbound|http|${port?.servicePort ?? 0}`,
          domains: ['*'],
          routes: inboundRoutes(port, destination, filters),
        },
      ],
    },
  });
}

function inboundRoutes(port: InboundPort | null, destination: string, filters: readonly HttpFilterKind[]) {
  const route = generateRoute(
    {
      name: 'default',
      match: { path: { type: 'prefix', value: '/', ignoreCase: false }, headers: [], query: [] },
      headers: null,
      statPrefix: '',
      perFilter: [],
      action: {
        type: 'forward',
        targets: [target(destination)],
        timeoutMs: 0,
        retries: inboundRetries,
        rewritePath: null,
        rewriteHost: null,
        mirrors: [],
        hashKeys: [],
      },
    },
    filters,
  );
  if (port?.protocol !== 'http') return [route];
  const grpc = { match: { ...route.match, grpc: {} }, route: { ...route.route, cluster: grpcClusterName(port) } };
  return [{ ...route, name: 'grpc', ...grpc }, route];
}
