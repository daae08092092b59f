/** Role of a proxy: sidecar of one workload, or gateway at the edge of the mesh. */
export type Role = 'sidecar' | 'gateway';
/**
 * Interception of traffic. `redirect`, `tproxy`: the kernel redirects it to ports 15001 and 15006. `none`: applications
 * call 127.0.0.1.
 */
export type InterceptionMode = 'redirect' | 'tproxy' | 'none';
/** Program of the client; selects the generators. */
export type ClientKind = 'envoy' | 'mosn' | 'grpc';

/** Ports to which the kernel redirects the connections of a captured workload. */
export const proxyPorts = { outbound: 15_001, inbound: 15_006 } as const;

/** Reports whether a captured sidecar listens on a port at every address, so that no service can use it. */
export const isProxyPort = (port: number): boolean => port === proxyPorts.outbound || port === proxyPorts.inbound;

/** Connected data plane, read from its node message once per stream. */
export interface Proxy {
  readonly id: string;
  readonly role: Role;
  readonly client: ClientKind;
  readonly name: string;
  readonly namespace: string;
  /** Domain such as `default.svc.cluster.local`, by which this proxy's hostnames are shortened. */
  readonly dnsDomain: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly cluster: string;
  readonly network: string;
  readonly locality: string;
  readonly interception: InterceptionMode;
  /** True if the mesh answers DNS queries of its workload (node metadata `DNS_CAPTURE`). Absent: false. */
  readonly capturesDns?: boolean;
  /** WorkloadGroup of its namespace as which its workload registers itself (`AUTO_REGISTER_GROUP`). Absent: none. */
  readonly registrationGroup?: string;
}
