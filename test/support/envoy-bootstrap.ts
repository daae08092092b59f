import { envoyBootstrap } from '../../src/cli/bootstrap-documents.ts';

export interface TestSidecar {
  readonly xdsPort: number;
  readonly protocol: 'sotw' | 'delta';
  /** Workload name and namespace, which the node id contains. */
  readonly name?: string;
  readonly namespace?: string;
  /** The address of its workload. By default an address without a service, so that the sidecar is only a client. */
  readonly address?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `region/zone`. */
  readonly locality?: string;
  /** `NONE`: listeners bind 127.0.0.1 and the services' ports. Only this mode works without iptables. */
  readonly interception?: 'NONE' | 'REDIRECT';
  /** Further metadata of its node. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Returns what `binnacle bootstrap` prints for this sidecar, with an admin port that the system chooses. */
export function sidecarBootstrap(sidecar: TestSidecar): object {
  const { xdsPort, protocol, name = 'client', namespace = 'default', address = '10.0.0.1', labels = {} } = sidecar;
  const [region = '', zone = ''] = (sidecar.locality ?? '').split('/');
  return envoyBootstrap({
    id: `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `${name}.${namespace}`,
    namespace,
    labels,
    locality: { region, zone, subZone: '' },
    interception: sidecar.interception ?? 'NONE',
    instanceIps: [],
    metadata: sidecar.metadata ?? {},
    xds: { host: '127.0.0.1', port: xdsPort },
    tls: null,
    adminPort: 0,
    delta: protocol === 'delta',
  });
}

/** A config source with a separate stream for one type. */
export const ownStream = (protocol: 'sotw' | 'delta') => ({
  resource_api_version: 'V3',
  api_config_source: {
    api_type: protocol === 'sotw' ? 'GRPC' : 'DELTA_GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
  },
});

/** Like `sidecarBootstrap`, but clusters and listeners use separate streams. Resources that they refer to use ADS. */
export function splitBootstrap(sidecar: TestSidecar): object {
  const bootstrap = sidecarBootstrap(sidecar) as { dynamic_resources: object }; // the shape of Envoy's bootstrap
  const own = ownStream(sidecar.protocol);
  return { ...bootstrap, dynamic_resources: { ...bootstrap.dynamic_resources, cds_config: own, lds_config: own } };
}

/**
 * Like `sidecarBootstrap`, but clusters and listeners are polled on the HTTP port. Resources that they refer to are
 * polled as well with `refers`, and use ADS otherwise.
 */
export function restBootstrap(
  sidecar: Omit<TestSidecar, 'protocol'> & { readonly httpPort: number; readonly refers: 'ads' | 'rest' },
): object {
  const bootstrap = sidecarBootstrap({ ...sidecar, protocol: 'sotw' }) as {
    readonly node: { readonly metadata: object };
    readonly dynamic_resources: { readonly ads_config: object };
    readonly static_resources: { readonly clusters: readonly object[] };
  }; // the shape of Envoy's bootstrap
  const source = {
    resource_api_version: 'V3',
    api_config_source: {
      api_type: 'REST',
      transport_api_version: 'V3',
      cluster_names: ['xds-http'],
      refresh_delay: '0.2s',
    },
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: sidecar.httpPort } };
  const cluster = {
    name: 'xds-http',
    load_assignment: { cluster_name: 'xds-http', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
  const { node, dynamic_resources, static_resources } = bootstrap;
  if (sidecar.refers === 'ads') {
    return {
      ...bootstrap,
      dynamic_resources: { ...dynamic_resources, cds_config: source, lds_config: source },
      static_resources: { ...static_resources, clusters: [...static_resources.clusters, cluster] },
    };
  }
  return {
    ...bootstrap,
    node: { ...node, metadata: { ...node.metadata, REST_CLUSTER: 'xds-http', REST_REFRESH: '0.2s' } },
    dynamic_resources: { cds_config: source, lds_config: source },
    static_resources: { ...static_resources, clusters: [cluster] },
  };
}
