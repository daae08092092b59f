import { isIP } from 'node:net';
import type { Address } from './config-schema.ts';

/** Who a sidecar says it is, and whom it asks. */
export interface Sidecar {
  /** `sidecar~<ip>~<name>.<namespace>~<dns domain>`. */
  readonly id: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  readonly interception: 'NONE' | 'REDIRECT';
  readonly xds: Address;
}

export interface EnvoySidecar extends Sidecar {
  readonly adminPort: number;
  /** Incremental xDS; otherwise state of the world. */
  readonly delta: boolean;
}

const xdsCluster = 'xds-grpc';

/**
 * Instructions that RE2 may need for one regular expression. Envoy's own limit is 100, which ordinary paths exceed, and one
 * expression above it makes Envoy reject every route of the port.
 */
const maxRegexProgram = 32_768;

/** Envoy's bootstrap: https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/bootstrap/v3/bootstrap.proto */
export function envoyBootstrap(sidecar: EnvoySidecar): object {
  return {
    node: nodeOf(sidecar),
    admin: { address: socketAddress({ host: '127.0.0.1', port: sidecar.adminPort }) },
    dynamic_resources: {
      ads_config: {
        api_type: sidecar.delta ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: xdsCluster } }],
      },
      cds_config: { ads: {}, resource_api_version: 'V3' },
      lds_config: { ads: {}, resource_api_version: 'V3' },
    },
    static_resources: { clusters: [clusterOf(sidecar.xds)] },
    layered_runtime: {
      layers: [
        { name: 'binnacle', static_layer: { 're2.max_program_size.error_level': maxRegexProgram } },
        { name: 'admin', admin_layer: {} },
      ],
    },
  };
}

/** gRPC's bootstrap: https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md */
export function grpcBootstrap(sidecar: Sidecar): object {
  return {
    xds_servers: [
      { server_uri: hostPort(sidecar.xds), channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
    ],
    server_listener_resource_name_template: 'grpc/server?xds.resource.listening_address=%s',
    node: { locality: {}, ...nodeOf(sidecar) }, // without one, grpc-js refuses the whole bootstrap
  };
}

function nodeOf({ id, cluster, namespace, labels, locality, interception }: Sidecar): object {
  const { region, zone, subZone } = locality;
  return {
    id,
    cluster,
    ...(region === '' ? {} : { locality: { region, zone, sub_zone: subZone } }),
    metadata: { NAMESPACE: namespace, LABELS: labels, INTERCEPTION_MODE: interception },
  };
}

function clusterOf(xds: Address): object {
  return {
    name: xdsCluster,
    type: isIP(xds.host) === 0 ? 'STRICT_DNS' : 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        // A control plane that vanished without a word is noticed, and another one found.
        explicit_http_config: { http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '5s' } } },
      },
    },
    load_assignment: {
      cluster_name: xdsCluster,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(xds) } }] }],
    },
  };
}

const socketAddress = ({ host, port }: Address): object => ({ socket_address: { address: host, port_value: port } });

const hostPort = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
