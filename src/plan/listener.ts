import type { WeightedTarget } from './route.ts';

/** Where the kernel brings a captured workload's connections. */
export const proxyPorts = { outbound: 15_001, inbound: 15_006 } as const;

/** Whether a captured sidecar listens there itself, at `0.0.0.0`. */
export const isProxyPort = (port: number): boolean => port === proxyPorts.outbound || port === proxyPorts.inbound;

/** What a listener does with a connection. */
export type ListenerTraffic =
  | { readonly type: 'http'; readonly routeConfiguration: string }
  /** `targets`: at least one. */
  | { readonly type: 'tcp'; readonly targets: readonly WeightedTarget[] };

/** A listener that one host needs. Several hosts may need one of the same name: HTTP ones share it, else the oldest wins. */
export interface ListenerPlan {
  /** `<bind>_<port>`. */
  readonly name: string;
  readonly bind: string;
  readonly port: number;
  /** False where the kernel brings the traffic to another listener, which hands it over. */
  readonly bindsToPort: boolean;
  readonly traffic: ListenerTraffic;
  readonly createdAtMs: number;
  readonly origins: readonly string[];
}

/** One port that a workload serves. */
export interface InboundPort {
  /** `namespace/host` of the service, for origins. */
  readonly service: string;
  readonly portName: string;
  readonly servicePort: number;
  readonly targetPort: number;
  readonly protocol: 'http' | 'http2' | 'tcp';
}

/** Everything that a group of workloads serves. Ports are in order of precedence, one per target port. */
export interface InboundPlan {
  readonly ports: readonly InboundPort[];
  readonly transparent: boolean;
  readonly connectTimeoutMs: number;
}
