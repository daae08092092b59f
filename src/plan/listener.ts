import type { HttpFilterPlan } from './http-filters.ts';
import type { WeightedTarget } from './route.ts';

/** Address families of a captured workload. Envoy searches listeners only within the family of a connection. */
export type IpFamilies = 'ipv4' | 'ipv6' | 'dual';

type OneOrTwo = readonly [first: string, ...second: string[]];

/** Wildcard addresses of a workload; the first one is in listener names. */
export const anyAddress: Readonly<Record<IpFamilies, OneOrTwo>> = {
  ipv4: ['0.0.0.0'],
  ipv6: ['::'],
  dual: ['0.0.0.0', '::'],
};

/** Source addresses that mark connections of the workload's own proxy, so that the kernel does not redirect them. */
export const inboundSources: Readonly<Record<IpFamilies, OneOrTwo>> = {
  ipv4: ['127.0.0.6'],
  ipv6: ['::6'],
  dual: ['127.0.0.6', '::6'],
};

/** Traffic of a listener. */
export type ListenerTraffic =
  | {
      readonly type: 'http';
      readonly routeConfiguration: string;
      /** Filters besides those of every connection manager, without duplicates. */
      readonly filters: readonly HttpFilterPlan[];
    }
  /** At least one target. */
  | { readonly type: 'tcp'; readonly targets: readonly WeightedTarget[] };

/** Listener that one host needs. Hosts that need the same name share it for HTTP; otherwise the oldest host owns it. */
export interface ListenerPlan {
  /** Name: `<bind>_<port>`. */
  readonly name: string;
  readonly bind: string;
  /** Addresses of another family, for the same traffic. */
  readonly alsoBinds: readonly string[];
  readonly port: number;
  /** False if the kernel redirects the traffic to another listener, which passes it on. */
  readonly bindsToPort: boolean;
  readonly traffic: ListenerTraffic;
  /** True if the service has no address, so that the listener accepts connections to any. Reported as a problem. */
  readonly takesAnyAddress: boolean;
  readonly createdAtMs: number;
  readonly origins: readonly string[];
}

/** Name that clients without a proxy resolve (`xds:///<name>`). The route configuration decides where calls go. */
export interface TargetPlan {
  readonly name: string;
  readonly routeConfiguration: string;
  /** True for a short form or other alias. A host of that name takes precedence. */
  readonly isAlias: boolean;
  readonly createdAtMs: number;
  readonly origins: readonly string[];
}

/** Port that a workload serves. */
export interface InboundPort {
  /** Key of the service, `namespace/host`, for origins. */
  readonly service: string;
  readonly portName: string;
  readonly servicePort: number;
  readonly targetPort: number;
  readonly protocol: 'http' | 'http2' | 'tcp';
}

/** Inbound ports of a group of workloads, in order of precedence, one per target port. */
export interface InboundPlan {
  readonly ports: readonly InboundPort[];
  readonly families: IpFamilies;
  readonly transparent: boolean;
  readonly connectTimeoutMs: number;
}
