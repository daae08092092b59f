import { proxyPorts } from '../../model/proxy.ts';
import { anyAddress, type InboundPlan, type InboundPort } from '../../plan/listener.ts';
import type { RetryPlan } from '../../plan/route.ts';
import type { HttpFilterKind } from '../http-filters/kind.ts';
import { writeHttpFilters } from '../http-filters/write.ts';
import { inboundCluster, type NamedCluster } from './clusters.ts';
import { extension, listenAt } from './json.ts';
import { type FilterJson, httpConnectionManager, type NamedListener, tcpFilter } from './listeners.ts';
import { generateRoute } from './routes.ts';

/** The clusters of the ports that a workload serves; without any, that of all other connections. */
export const generateInboundClusters = (plan: InboundPlan): readonly NamedCluster[] =>
  plan.ports.length === 0
    ? [inboundCluster('InboundPassthroughCluster', false, plan)]
    : plan.ports.flatMap((port) => [
        inboundCluster(clusterName(port), port.protocol === 'http2', plan),
        ...(port.protocol === 'http' ? [inboundCluster(grpcClusterName(port), true, plan)] : []),
      ]);

/**
 * Takes the connections that the kernel brings from outside. A port that no service names is passed on as it is; the
 * chain keeps the name that operators know, though it is a TCP chain until HTTP is told from TCP on arrival.
 */
export const virtualInbound = (plan: InboundPlan, filters: readonly HttpFilterKind[]): NamedListener => ({
  name: 'virtualInbound',
  trafficDirection: 'INBOUND',
  ...listenAt(anyAddress[plan.families], proxyPorts.inbound),
  ...(plan.transparent ? { transparent: true } : {}),
  listenerFilters: [
    {
      name: 'envoy.filters.listener.original_dst',
      typedConfig: extension('envoy.extensions.filters.listener.original_dst.v3.OriginalDst', {}),
    },
  ],
  filterChains: [...portChains(plan, filters), inboundCatchAll('InboundPassthroughCluster')],
});

/** What becomes of connections to ports that no service names. */
export const inboundCatchAll = (cluster: string) => ({
  name: 'virtualInbound-catchall-http',
  filters: [tcpFilter(cluster, [target(cluster)])],
});

const portChains = ({ ports, families }: InboundPlan, filters: readonly HttpFilterKind[]) => [
  {
    name: 'virtualInbound-blackhole', // a connection to this port itself would go round in circles
    filterChainMatch: { destinationPort: proxyPorts.inbound },
    filters: [tcpFilter('BlackHoleCluster', [target('BlackHoleCluster')])],
  },
  ...ports.map((port) => ({
    name: `${anyAddress[families][0]}_${port.targetPort}`,
    filterChainMatch: { destinationPort: port.targetPort },
    filters: [portFilter(port, anyAddress[families][0], filters)],
  })),
];

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

function portFilter(port: InboundPort, bind: string, filters: readonly HttpFilterKind[]): FilterJson {
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
