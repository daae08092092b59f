import { envoyBootstrap } from '../../src/cli/bootstrap-documents.ts';

export interface TestSidecar {
  readonly xdsPort: number;
  readonly protocol: 'sotw' | 'delta';
  /** Workload name and namespace; the node id is made of them. */
  readonly name?: string;
  readonly namespace?: string;
  /** The address of its workload; left out: one that no service has, so that the sidecar is a mere client's. */
  readonly address?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `NONE`: listeners bind 127.0.0.1 and the services' own ports, the only mode that works without iptables. */
  readonly interception?: 'NONE' | 'REDIRECT';
}

/** What `binnacle bootstrap` prints for such a sidecar, but with an admin port for the system to choose. */
export function sidecarBootstrap(sidecar: TestSidecar): object {
  const { xdsPort, protocol, name = 'client', namespace = 'default', address = '10.0.0.1', labels = {} } = sidecar;
  return envoyBootstrap({
    id: `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `${name}.${namespace}`,
    namespace,
    labels,
    locality: { region: '', zone: '', subZone: '' },
    interception: sidecar.interception ?? 'NONE',
    xds: { host: '127.0.0.1', port: xdsPort },
    adminPort: 0,
    delta: protocol === 'delta',
  });
}

/** A config source of its own, for the service of one type. */
export const ownStream = (protocol: 'sotw' | 'delta') => ({
  resource_api_version: 'V3',
  api_config_source: {
    api_type: protocol === 'sotw' ? 'GRPC' : 'DELTA_GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
  },
});

/** As `sidecarBootstrap`, but clusters and listeners come on streams of their own, and by ADS what they refer to. */
export function splitBootstrap(sidecar: TestSidecar): object {
  const bootstrap = sidecarBootstrap(sidecar) as { dynamic_resources: object }; // as Envoy's bootstrap has it
  const own = ownStream(sidecar.protocol);
  return { ...bootstrap, dynamic_resources: { ...bootstrap.dynamic_resources, cds_config: own, lds_config: own } };
}
