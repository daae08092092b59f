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

/** Addresses of a listener and all that its chains have in common. Chains of one name have equal frames. */
export interface ListenerFrame {
  readonly name: string;
  readonly direction: 'outbound' | 'inbound';
  /** Addresses; those after the first are of another family, for the same traffic. */
  readonly binds: OneOrTwo;
  readonly port: number;
  /** False where the kernel brings the traffic to another listener, which hands it over. */
  readonly bindsToPort: boolean;
  /** Connections keep the addresses that the kernel saw. */
  readonly transparent: boolean;
}

/** The connections that a chain takes: those that meet all conditions. Null and an empty list are no condition. */
export interface ChainMatch {
  /** That the connection was meant for. */
  readonly port: number | null;
  /** That the connection was meant for: addresses, or ranges as `10.0.0.0/8`; in one spelling. */
  readonly addresses: readonly string[];
  /** In lower case; the first label may be `*`. */
  readonly serverNames: readonly string[];
  readonly transport: 'plain' | 'tls' | null;
  /** Of the application, as it is told or found out on arrival. */
  readonly protocols: readonly string[];
}

export const anyConnection: ChainMatch = { port: null, addresses: [], serverNames: [], transport: null, protocols: [] };

/** ALPN names that the HTTP inspector gives to plain HTTP. */
export const plainHttp: readonly string[] = ['http/1.0', 'http/1.1', 'h2c'];

/** Treatment of a connection. */
export type ListenerTraffic =
  | {
      readonly type: 'http';
      readonly routeConfiguration: string;
      /** Filters besides those of every connection manager, without duplicates. */
      readonly filters: readonly HttpFilterPlan[];
    }
  /** `targets`: at least one. */
  | { readonly type: 'tcp'; readonly targets: readonly WeightedTarget[] }
  /** It goes to the workload beside the proxy; null: to a port that no service names. */
  | { readonly type: 'served'; readonly port: InboundPort | null };

/**
 * Connections that one unit wants of a listener. Units that want the same for the same share the chain; otherwise the index
 * of matches decides, as that of domains does within a route configuration.
 */
export interface FilterChainPlan {
  readonly listener: ListenerFrame;
  /** Empty for none. */
  readonly name: string;
  readonly match: ChainMatch;
  /** It also takes what it has not asked for by protocol, unless another chain is made for that. */
  readonly takesRest: boolean;
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
