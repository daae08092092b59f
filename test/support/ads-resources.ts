import { fromBinary } from '@bufbuild/protobuf';
import { Cluster_DiscoveryType, ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.js';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.js';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { HttpConnectionManagerSchema } from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { SecretSchema } from '#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { XdsType } from '../../src/proto/resource.ts';

/** Returns the name inside a resource's bytes. */
export function nameOf(type: XdsType, body: Uint8Array): string {
  switch (type) {
    case 'cluster':
      return fromBinary(ClusterSchema, body).name;
    case 'endpoint':
      return fromBinary(ClusterLoadAssignmentSchema, body).clusterName;
    case 'listener':
      return fromBinary(ListenerSchema, body).name;
    case 'route':
      return fromBinary(RouteConfigurationSchema, body).name;
    case 'secret':
      return fromBinary(SecretSchema, body).name;
    case 'extension':
      return fromBinary(TypedExtensionConfigSchema, body).name;
  }
}

/** Returns the names that clusters or listeners refer to: assignments or route configurations, sorted. */
export function namesIn(type: 'cluster' | 'listener', bodies: Iterable<Uint8Array>): readonly string[] {
  const names = [...bodies].flatMap((body) => (type === 'cluster' ? assignmentOf(body) : routesOf(body)));
  return [...new Set(names)].sort();
}

function assignmentOf(body: Uint8Array): readonly string[] {
  const cluster = fromBinary(ClusterSchema, body);
  const { clusterDiscoveryType: kind, edsClusterConfig } = cluster;
  if (kind.case !== 'type' || kind.value !== Cluster_DiscoveryType.EDS) return [];
  return [edsClusterConfig?.serviceName || cluster.name];
}

function routesOf(body: Uint8Array): readonly string[] {
  const listener = fromBinary(ListenerSchema, body);
  const chains = [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])];
  return chains.flatMap(({ filters }) =>
    filters.flatMap(({ configType }) => {
      const config = configType.case === 'typedConfig' ? configType.value : undefined;
      if (!config?.typeUrl.endsWith('.HttpConnectionManager')) return [];
      const { routeSpecifier } = fromBinary(HttpConnectionManagerSchema, config.value);
      return routeSpecifier.case === 'rds' ? [routeSpecifier.value.routeConfigName] : [];
    }),
  );
}

/** Returns `address:port` of every endpoint of an assignment, sorted. */
export function endpointAddresses(body: Uint8Array | undefined): readonly string[] {
  if (body === undefined) return [];
  const { endpoints } = fromBinary(ClusterLoadAssignmentSchema, body);
  return endpoints
    .flatMap(({ lbEndpoints }) =>
      lbEndpoints.map(({ hostIdentifier }) => {
        const address = hostIdentifier.case === 'endpoint' ? hostIdentifier.value.address?.address : undefined;
        if (address?.case !== 'socketAddress') throw new Error('an endpoint without a socket address');
        return `${address.value.address}:${address.value.portSpecifier.value}`;
      }),
    )
    .sort();
}
