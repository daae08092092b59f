/** What a proxy stands for: one workload, or the edge of the mesh. */
export type Role = 'sidecar' | 'gateway';
/** `redirect` and `tproxy`: the kernel brings traffic to 15001 and 15006. `none`: applications call 127.0.0.1. */
export type InterceptionMode = 'redirect' | 'tproxy' | 'none';
/** Which program is at the other end; chooses the generators' folder. */
export type ClientKind = 'envoy' | 'mosn' | 'grpc';

/** Where the kernel brings a captured workload's connections. */
export const proxyPorts = { outbound: 15_001, inbound: 15_006 } as const;

/** Whether a captured sidecar listens there itself, at every address: no service can have such a port. */
export const isProxyPort = (port: number): boolean => port === proxyPorts.outbound || port === proxyPorts.inbound;

/** A connected data plane, read from its node message once per stream. */
export interface Proxy {
  readonly id: string;
  readonly role: Role;
  readonly client: ClientKind;
  readonly name: string;
  readonly namespace: string;
  /** Such as `default.svc.cluster.local`; shortens hostnames for this proxy. */
  readonly dnsDomain: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly cluster: string;
  readonly network: string;
  readonly locality: string;
  readonly interception: InterceptionMode;
}
