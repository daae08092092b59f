import { proxyPorts } from '../../model/proxy.ts';
import { anyAddress } from '../../plan/ip-families.ts';
import type { OutboundFixedPlan } from '../../plan/layer.ts';
import type { TcpConnectionPlan } from '../../plan/listener.ts';
import { clusterOfUnknown, type UnknownHosts, type WeightedTarget } from '../../plan/route.ts';
import type { HttpConnectionManagerJson, ListenerJson, TcpProxyJson } from '../../proto/json.ts';
import { durationFromMs, extension, listenAt } from './json.ts';

export type NamedListener = ListenerJson & { name: string };
export type FilterJson = NonNullable<NonNullable<ListenerJson['filterChains']>[number]['filters']>[number];

/**
 * Generates the listener for redirected connections. It hands each connection to the listener of its original
 * destination. Others are handled by the policy for unknown hosts.
 */
export const virtualOutbound = (
  unknownHosts: UnknownHosts,
  { families, transparent }: NonNullable<OutboundFixedPlan['captured']>,
): NamedListener => ({
  name: 'virtualOutbound',
  trafficDirection: 'OUTBOUND',
  ...listenAt(anyAddress[families], proxyPorts.outbound),
  useOriginalDst: true,
  ...(transparent ? { transparent: true } : {}),
  filterChains: [virtualOutboundBlackHole, catchAllChain(unknownHosts)],
});

/** Generates the chain for connections to unknown addresses. */
export function catchAllChain(unknownHosts: UnknownHosts) {
  const cluster = clusterOfUnknown(unknownHosts);
  return { name: 'virtualOutbound-catchall-tcp', filters: [tcpFilter(cluster, [single(cluster)])] };
}

const single = (destination: string): WeightedTarget => ({ destination, weight: 1, headers: null, rewriteHost: null });

/** Chain for connections to the listener's own port, which would loop. */
const virtualOutboundBlackHole = {
  name: 'virtualOutbound-blackhole',
  filterChainMatch: { destinationPort: proxyPorts.outbound },
  filters: [tcpFilter('BlackHoleCluster', [single('BlackHoleCluster')])],
};

/**
 * Generates an HTTP connection manager with common settings; `settings` adds its filters and the source of routes. The
 * proxy must be transparent to applications. A silent stream lasts as long as its route allows (Envoy's default closes
 * it after 300 s). HTTP/1.0 is answered, and `server` is unchanged.
 */
export function httpConnectionManager(
  settings: HttpConnectionManagerJson & Pick<Required<HttpConnectionManagerJson>, 'httpFilters'>,
): FilterJson {
  const manager = {
    useRemoteAddress: false,
    generateRequestId: true,
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    streamIdleTimeout: '0s',
    httpProtocolOptions: { acceptHttp10: true },
    serverHeaderTransformation: 'PASS_THROUGH',
    ...settings,
  } satisfies HttpConnectionManagerJson;
  const type = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  return { name: 'envoy.filters.network.http_connection_manager', typedConfig: extension(type, manager) };
}

/** Generates a TCP proxy. Its settings are Envoy's defaults unless `connection` has others. */
export function tcpFilter(
  statPrefix: string,
  targets: readonly WeightedTarget[],
  connection?: TcpConnectionPlan,
): FilterJson {
  const [first, ...others] = targets;
  const proxy = {
    statPrefix,
    ...(first !== undefined && others.length === 0
      ? { cluster: first.destination }
      : { weightedClusters: { clusters: targets.map(({ destination, weight }) => ({ name: destination, weight })) } }),
    ...(connection === undefined ? {} : tcpSettings(connection)),
  } satisfies TcpProxyJson;
  const type = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  return { name: 'envoy.filters.network.tcp_proxy', typedConfig: extension(type, proxy) };
}

const tcpSettings = ({ idleTimeoutMs, maxDurationMs, hashesSource, tunnel }: TcpConnectionPlan): TcpProxyJson => ({
  ...(idleTimeoutMs === null ? {} : { idleTimeout: durationFromMs(idleTimeoutMs) }),
  ...(maxDurationMs === null ? {} : { maxDownstreamConnectionDuration: durationFromMs(maxDurationMs) }),
  ...(hashesSource ? { hashPolicy: [{ sourceIp: {} }] } : {}),
  ...(tunnel === null
    ? {}
    : { tunnelingConfig: { hostname: tunnel.target, ...(tunnel.usesPost ? { usePost: true } : {}) } }),
});
