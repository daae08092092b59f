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
  readonly interception: 'NONE' | 'REDIRECT' | 'TPROXY';
  /** Every address of the workload, where it has more than the one in `id`; otherwise empty. */
  readonly instanceIps: readonly string[];
  readonly xds: Address;
  /** How the control plane is known over TLS; null: plaintext. */
  readonly tls: XdsTls | null;
}

/** Paths are those of the machine that the sidecar runs on. */
export interface XdsTls {
  readonly caFile: string;
  /** The sidecar's own identity, for a control plane that asks for one. */
  readonly client: { readonly certFile: string; readonly keyFile: string } | null;
  /** The name or IP address that the server's certificate must have. */
  readonly serverName: string;
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
    static_resources: { clusters: [clusterOf(sidecar)] },
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
      { server_uri: hostPort(sidecar.xds), channel_creds: [channelCredentials(sidecar)], server_features: ['xds_v3'] },
    ],
    server_listener_resource_name_template: 'grpc/server?xds.resource.listening_address=%s',
    node: { locality: {}, ...nodeOf(sidecar) }, // without one, grpc-js refuses the whole bootstrap
  };
}

/** https://github.com/grpc/proposal/blob/master/A65-xds-mtls-creds-in-bootstrap.md; the server's name is that of its URI. */
function channelCredentials({ tls }: Sidecar): object {
  if (tls === null) return { type: 'insecure' };
  const { caFile, client } = tls;
  const identity = client === null ? {} : { certificate_file: client.certFile, private_key_file: client.keyFile };
  return { type: 'tls', config: { ca_certificate_file: caFile, ...identity } };
}

function nodeOf({ id, cluster, namespace, labels, locality, interception, instanceIps }: Sidecar): object {
  const { region, zone, subZone } = locality;
  const addresses = instanceIps.length === 0 ? {} : { INSTANCE_IPS: instanceIps.join(',') };
  return {
    id,
    cluster,
    ...(region === '' ? {} : { locality: { region, zone, sub_zone: subZone } }),
    metadata: { NAMESPACE: namespace, LABELS: labels, INTERCEPTION_MODE: interception, ...addresses },
  };
}

function clusterOf({ xds, tls }: Sidecar): object {
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
    ...(tls === null ? {} : { transport_socket: tlsSocket(tls) }),
  };
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/transport_sockets/tls/v3/tls.proto */
function tlsSocket({ caFile, client, serverName }: XdsTls): object {
  const isName = isIP(serverName) === 0;
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      ...(isName ? { sni: serverName } : {}), // an address is no server name: RFC 6066
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
