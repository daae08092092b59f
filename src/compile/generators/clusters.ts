import { isLoopback } from '../../lib/ip.ts';
import {
  type ClientPlace,
  type ConnectionLimits,
  type DestinationPlan,
  nowhere,
  type UpstreamProtocol,
} from '../../plan/destination.ts';
import { type IpFamilies, inboundSources } from '../../plan/ip-families.ts';
import type { InboundEndpoint, InboundPlan } from '../../plan/listener.ts';
import type { ClusterJson } from '../../proto/json.ts';
import { httpOptionsType, keepalive, protocolOptions, thresholds } from './connection-options.ts';
import { dnsDiscovery, dynamicDnsDiscovery } from './dns.ts';
import { durationFromMs, extension, overAds, socketAddress } from './json.ts';
import { loadBalancing } from './load-balancing.ts';
import { generateOutlierDetection } from './outlier-detection.ts';
import { transport } from './transport.ts';

/** Cluster in proto JSON, with its name. */
export type NamedCluster = ClusterJson & { name: string };

/** Generates the cluster of a destination, for clients in a place if it depends on that. */
export function generateCluster(destination: DestinationPlan, place: ClientPlace = nowhere): NamedCluster {
  const { name, limits } = destination;
  return {
    name,
    ...discovery(destination, place),
    connectTimeout: durationFromMs(limits.connectTimeoutMs),
    circuitBreakers: { thresholds: [thresholds(limits)] },
    ...protocolOptions(destination),
    ...keepalive(limits.keepalive),
    ...generateOutlierDetection(destination.outlier),
    ...commonBalancing(destination),
    ...transport(destination),
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

/** Cluster of the workload beside the proxy. */
export interface WorkloadCluster {
  readonly name: string;
  readonly protocol: UpstreamProtocol;
  readonly endpoint: InboundEndpoint;
  readonly limits: ConnectionLimits;
}

/**
 * Generates a cluster of the workload beside the proxy. If connections to the workload are redirected, the source
 * address marks those of the proxy, which must not be. Connections to loopback addresses and sockets never are.
 */
export function inboundCluster(
  { name, protocol, endpoint, limits }: WorkloadCluster,
  { families, captured }: Pick<InboundPlan, 'families' | 'captured'>,
): NamedCluster {
  const isLocal = endpoint.type === 'socket' || (endpoint.type === 'address' && isLoopback(endpoint.address));
  return {
    name,
    ...workloadDiscovery(name, endpoint),
    connectTimeout: durationFromMs(limits.connectTimeoutMs),
    circuitBreakers: { thresholds: [thresholds(limits)] },
    ...protocolOptions({ protocol, limits }),
    ...keepalive(limits.keepalive),
    ...(captured && !isLocal ? markedSource(families) : {}),
  };
}

function workloadDiscovery(name: string, endpoint: InboundEndpoint): Omit<ClusterJson, 'name'> {
  if (endpoint.type === 'original-destination') return { type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' };
  const address =
    endpoint.type === 'socket' ? { pipe: { path: endpoint.path } } : socketAddress(endpoint.address, endpoint.port);
  return {
    type: 'STATIC',
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] },
  };
}

function markedSource(families: IpFamilies): Pick<ClusterJson, 'upstreamBindConfig'> {
  const [sourceAddress, ...others] = inboundSources[families].map((address) => ({ address, portValue: 0 }));
  return {
    upstreamBindConfig: {
      ...(sourceAddress === undefined ? {} : { sourceAddress }),
      ...(others.length === 0 ? {} : { extraSourceAddresses: others.map((address) => ({ address })) }),
    },
  };
}

function discovery(destination: DestinationPlan, place: ClientPlace): Omit<ClusterJson, 'name'> {
  const { name, endpoints, loadBalancing: balancing } = destination;
  if (endpoints.type === 'original-destination' || balancing.type === 'passthrough') {
    const port = endpoints.type === 'original-destination' ? endpoints.port : null;
    const override = port === null ? {} : { originalDstLbConfig: { upstreamPortOverride: port } };
    return { type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED', ...override };
  }
  if (endpoints.type === 'dynamic-dns') return dynamicDnsDiscovery(endpoints.families);
  const choice = loadBalancing(balancing);
  if (endpoints.type === 'assigned') {
    return { type: 'EDS', ...choice, edsClusterConfig: { edsConfig: overAds, serviceName: name } };
  }
  return { ...dnsDiscovery(name, endpoints, place), ...choice };
}

/**
 * Generates the use of unhealthy endpoints and of localities. By default, unhealthy endpoints are never called, and the
 * load balancer ignores localities.
 */
function commonBalancing({
  outlier,
  endpoints,
  weighsLocalities,
}: DestinationPlan): Pick<ClusterJson, 'commonLbConfig'> {
  if (endpoints.type === 'original-destination' || endpoints.type === 'dynamic-dns') return {};
  return {
    commonLbConfig: {
      healthyPanicThreshold: { value: outlier?.minHealthPercent ?? 0 },
      ...(weighsLocalities ? { localityWeightedLbConfig: {} } : {}),
    },
  };
}
