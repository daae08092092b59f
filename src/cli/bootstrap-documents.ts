import { isIP } from 'node:net';
import type { Address } from '../serve/config-fields.ts';

/** Identity of a sidecar and the address of its control plane. */
export interface SidecarNode {
  /** Node id: `sidecar~<ip>~<name>.<namespace>~<dns domain>`. */
  readonly id: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  readonly interception: 'NONE' | 'REDIRECT' | 'TPROXY';
  /** All addresses of the workload if it has more than the one in `id`; otherwise empty. */
  readonly instanceIps: readonly string[];
  /** Further metadata of the node. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly xds: Address;
  /** TLS settings for the control plane; null for plaintext. */
  readonly tls: XdsTls | null;
}

/** TLS settings. Paths are on the sidecar's machine. */
export interface XdsTls {
  readonly caFile: string;
  /** Client certificate of the sidecar, if the control plane requires one. */
  readonly client: { readonly certFile: string; readonly keyFile: string } | null;
  /** Name or IP address in the server's certificate. */
  readonly serverName: string;
}

export interface EnvoySidecar extends SidecarNode {
  readonly adminPort: number;
  /** Selects incremental xDS; false selects state of the world. */
  readonly delta: boolean;
}

const xdsCluster = 'xds-grpc';

/**
 * Limit of RE2 instructions for one regular expression. Envoy's default of 100 is too low for ordinary paths, and one
 * larger expression makes Envoy reject all routes of the port.
 */
const maxRegexProgram = 32_768;

/** Builds Envoy's bootstrap: https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/bootstrap/v3/bootstrap.proto */
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
    static_resources: { clusters: [clusterOf(sidecar)] },
    layered_runtime: {
      layers: [
        { name: 'binnacle', static_layer: { 're2.max_program_size.error_level': maxRegexProgram } },
        { name: 'admin', admin_layer: {} },
      ],
    },
  };
}

/** Builds gRPC's bootstrap: https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md */
export function grpcBootstrap(sidecar: SidecarNode): object {
  return {
    xds_servers: [
      { server_uri: hostPort(sidecar.xds), channel_creds: [channelCredentials(sidecar)], server_features: ['xds_v3'] },
    ],
    server_listener_resource_name_template: 'grpc/server?xds.resource.listening_address=%s',
    node: { locality: {}, ...nodeOf(sidecar) }, // grpc-js rejects a bootstrap without a locality
  };
}

/**
 * Builds channel credentials: https://github.com/grpc/proposal/blob/master/A65-xds-mtls-creds-in-bootstrap.md. The
 * server's name comes from its URI.
 */
function channelCredentials({ tls }: SidecarNode): object {
  if (tls === null) return { type: 'insecure' };
  const { caFile, client } = tls;
  const identity = client === null ? {} : { certificate_file: client.certFile, private_key_file: client.keyFile };
  return { type: 'tls', config: { ca_certificate_file: caFile, ...identity } };
}

function nodeOf({
  id,
  cluster,
  namespace,
  labels,
  locality,
  interception,
  instanceIps,
  metadata,
}: SidecarNode): object {
  const { region, zone, subZone } = locality;
  const addresses = instanceIps.length === 0 ? {} : { INSTANCE_IPS: instanceIps.join(',') };
  return {
    id,
    cluster,
    ...(region === '' ? {} : { locality: { region, zone, sub_zone: subZone } }),
    metadata: { NAMESPACE: namespace, LABELS: labels, INTERCEPTION_MODE: interception, ...addresses, ...metadata },
  };
}

function clusterOf({ xds, tls }: SidecarNode): object {
  return {
    name: xdsCluster,
    type: isIP(xds.host) === 0 ? 'STRICT_DNS' : 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        // Keep-alives detect a control plane that vanished without closing the connection, so that Envoy reconnects.
        explicit_http_config: { http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '5s' } } },
      },
    },
    load_assignment: {
      cluster_name: xdsCluster,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(xds) } }] }],
    },
    ...(tls === null ? {} : { transport_socket: tlsSocket(tls) }),
  };
}

/**
 * Builds a TLS socket: https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/transport_sockets/tls/v3/tls.proto
 */
function tlsSocket({ caFile, client, serverName }: XdsTls): object {
  const isName = isIP(serverName) === 0;
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      ...(isName ? { sni: serverName } : {}), // RFC 6066 forbids addresses as server names
      common_tls_context: {
        alpn_protocols: ['h2'],
        ...(client === null
          ? {}
          : {
              tls_certificates: [
                { certificate_chain: { filename: client.certFile }, private_key: { filename: client.keyFile } },
              ],
            }),
        validation_context: {
          trusted_ca: { filename: caFile },
          match_typed_subject_alt_names: [{ san_type: isName ? 'DNS' : 'IP_ADDRESS', matcher: { exact: serverName } }],
        },
      },
    },
  };
}

const socketAddress = ({ host, port }: Address): object => ({ socket_address: { address: host, port_value: port } });

const hostPort = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
