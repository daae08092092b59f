import type { ConnectionLimits, DestinationPlan, LoadBalancing, OutlierPlan } from '../../plan/destination.ts';
import { type InboundPlan, inboundSources } from '../../plan/listener.ts';
import type { ClusterJson } from '../../proto/json.ts';
import { durationFromMs, extension, overAds, socketAddress } from './json.ts';

/** Cluster in proto JSON, with its name. */
export type NamedCluster = ClusterJson & { name: string };

/** Generates the cluster of a destination. */
export function generateCluster(destination: DestinationPlan): NamedCluster {
  const { name, limits } = destination;
  return {
    name,
    ...discovery(destination),
    connectTimeout: durationFromMs(limits.connectTimeoutMs),
    circuitBreakers: { thresholds: [thresholds(limits)] },
    ...protocolOptions(destination.http2, limits),
    ...keepalive(limits),
    ...outlierDetection(destination.outlier),
  } satisfies ClusterJson;
}

/** Cluster of connections that must reach nothing. */
export const blackHoleCluster: NamedCluster = {
  name: 'BlackHoleCluster',
  type: 'STATIC',
  connectTimeout: '10s',
  loadAssignment: { clusterName: 'BlackHoleCluster' },
};

/**
 * Generates the cluster of connections to unknown addresses. Their protocol is unknown, so they are forwarded in the
 * client's protocol.
 */
export const passthroughCluster = (connectTimeoutMs: number): NamedCluster => ({
  name: 'PassthroughCluster',
  type: 'ORIGINAL_DST',
  lbPolicy: 'CLUSTER_PROVIDED',
  connectTimeout: durationFromMs(connectTimeoutMs),
  circuitBreakers: { thresholds: [thresholds({ connectTimeoutMs })] },
  typedExtensionProtocolOptions: {
    [httpOptionsType]: extension(httpOptionsType, {
      useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    }),
  },
});

/**
 * Generates a cluster of the workload beside the proxy. The source address marks connections of the proxy, so that the
 * kernel does not redirect them to the proxy.
 */
export function inboundCluster(
  name: string,
  http2: boolean,
  { connectTimeoutMs, families }: Pick<InboundPlan, 'connectTimeoutMs' | 'families'>,
): NamedCluster {
  const [sourceAddress, ...others] = inboundSources[families].map((address) => ({ address, portValue: 0 }));
  return {
    name,
    type: 'ORIGINAL_DST',
    lbPolicy: 'CLUSTER_PROVIDED',
    connectTimeout: durationFromMs(connectTimeoutMs),
    circuitBreakers: { thresholds: [thresholds({ connectTimeoutMs })] },
    ...protocolOptions(http2, { connectTimeoutMs }),
    upstreamBindConfig: {
      ...(sourceAddress === undefined ? {} : { sourceAddress }),
      ...(others.length === 0 ? {} : { extraSourceAddresses: others.map((address) => ({ address })) }),
    },
  };
}

const lbPolicies = {
  'round-robin': 'ROUND_ROBIN',
  'least-request': 'LEAST_REQUEST',
  random: 'RANDOM',
  passthrough: 'CLUSTER_PROVIDED',
} as const satisfies Record<LoadBalancing, ClusterJson['lbPolicy']>;

function discovery({ name, endpoints, loadBalancing }: DestinationPlan): Omit<ClusterJson, 'name'> {
  const lbPolicy = lbPolicies[loadBalancing];
  if (endpoints.type === 'original-destination' || loadBalancing === 'passthrough') {
    return { type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' };
  }
  if (endpoints.type === 'assigned') {
    return { type: 'EDS', lbPolicy, edsClusterConfig: { edsConfig: overAds, serviceName: name } };
  }
  const lbEndpoints = endpoints.targets.map(({ address, port, weight }) => ({
    endpoint: { address: socketAddress(address, port) },
    loadBalancingWeight: weight,
  }));
  return {
    type: endpoints.all ? 'STRICT_DNS' : 'LOGICAL_DNS',
    lbPolicy,
    dnsLookupFamily: 'V4_PREFERRED',
    loadAssignment: { clusterName: name, endpoints: lbEndpoints.length === 0 ? [] : [{ lbEndpoints }] },
  };
}

const httpOptionsType = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const unlimited = 4_294_967_295;

const thresholds = (limits: ConnectionLimits) => ({
  maxConnections: limits.maxConnections ?? unlimited,
  maxPendingRequests: limits.maxPendingRequests ?? unlimited,
  maxRequests: limits.maxRequests ?? unlimited,
  maxRetries: limits.maxRetries ?? unlimited,
  trackRemaining: true,
});

function protocolOptions(http2: boolean, limits: ConnectionLimits): Pick<ClusterJson, 'typedExtensionProtocolOptions'> {
  const { maxRequestsPerConnection: perConnection, httpIdleTimeoutMs: idleMs } = limits;
  if (!http2 && perConnection === undefined && idleMs === undefined) return {};
  const options = extension(httpOptionsType, {
    ...(perConnection === undefined && idleMs === undefined
      ? {}
      : {
          commonHttpProtocolOptions: {
            ...(perConnection === undefined ? {} : { maxRequestsPerConnection: perConnection }),
            ...(idleMs === undefined ? {} : { idleTimeout: durationFromMs(idleMs) }),
          },
        }),
    explicitHttpConfig: http2 ? { http2ProtocolOptions: {} } : { httpProtocolOptions: {} },
  });
  return { typedExtensionProtocolOptions: { [httpOptionsType]: options } };
}

function keepalive({ keepalive: it }: ConnectionLimits): Pick<ClusterJson, 'upstreamConnectionOptions'> {
  if (it === undefined) return {};
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(it.probes === undefined ? {} : { keepaliveProbes: it.probes }),
        ...(it.timeMs === undefined ? {} : { keepaliveTime: Math.ceil(it.timeMs / 1000) }),
        ...(it.intervalMs === undefined ? {} : { keepaliveInterval: Math.ceil(it.intervalMs / 1000) }),
      },
    },
  };
}

/** Generates outlier detection. 0 disables a kind of ejection. Ejection by success rate is off. */
function outlierDetection(outlier: OutlierPlan | null): Pick<ClusterJson, 'outlierDetection' | 'commonLbConfig'> {
  if (outlier === null) return {};
  const { consecutive5xx, consecutiveGatewayErrors: gateway, consecutiveLocalOriginFailures: local } = outlier;
  const enforcing = (count: number) => (count > 0 ? 100 : 0);
  return {
    outlierDetection: {
      enforcingSuccessRate: 0,
      ...(consecutive5xx === undefined
        ? {}
        : { consecutive5xx: Math.max(1, consecutive5xx), enforcingConsecutive5xx: enforcing(consecutive5xx) }),
      ...(gateway === undefined
        ? {}
        : {
            consecutiveGatewayFailure: Math.max(1, gateway),
            enforcingConsecutiveGatewayFailure: enforcing(gateway),
          }),
      ...(outlier.splitLocalOrigin ? { splitExternalLocalOriginErrors: true } : {}),
      ...(local === undefined
        ? {}
        : {
            consecutiveLocalOriginFailure: Math.max(1, local),
            enforcingConsecutiveLocalOriginFailure: enforcing(local),
            enforcingLocalOriginSuccessRate: 0,
          }),
      ...(outlier.intervalMs === undefined ? {} : { interval: durationFromMs(outlier.intervalMs) }),
      ...(outlier.baseEjectionMs === undefined ? {} : { baseEjectionTime: durationFromMs(outlier.baseEjectionMs) }),
      ...(outlier.maxEjectionPercent === undefined ? {} : { maxEjectionPercent: outlier.maxEjectionPercent }),
    },
    commonLbConfig: { healthyPanicThreshold: { value: outlier.minHealthPercent ?? 0 } },
  };
}
