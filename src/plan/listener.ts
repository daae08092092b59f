import type { ConnectionLimits } from './destination.ts';
import type { HttpFilterPlan } from './http-filters.ts';
import type { IpFamilies, OneOrTwo } from './ip-families.ts';
import type { WeightedTarget } from './route.ts';

/** Name of the listener to which the kernel redirects connections from outside. */
export const virtualInboundName = 'virtualInbound';

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

/** Conditions of a chain; a connection must meet all of them. Null and an empty list are no condition. */
export interface ChainMatch {
  /** Original destination port. */
  readonly port: number | null;
  /** Original destination addresses or ranges such as `10.0.0.0/8`, in canonical form (`canonicalRange`). */
  readonly addresses: readonly string[];
  /** Addresses or ranges of the client, in canonical form. */
  readonly sources: readonly string[];
  /** Server names in lower case; the first label may be `*`. */
  readonly serverNames: readonly string[];
  readonly transport: 'plain' | 'tls' | null;
  /** Application protocols, as the client negotiates them or a listener detects them. */
  readonly protocols: readonly string[];
}

export const anyConnection: ChainMatch = {
  port: null,
  addresses: [],
  sources: [],
  serverNames: [],
  transport: null,
  protocols: [],
};

/** ALPN names that the HTTP inspector gives to plain HTTP. */
export const plainHttp: readonly string[] = ['http/1.0', 'http/1.1', 'h2c'];

/** Settings of the target of TCP connections. */
export interface TcpConnectionPlan {
  /** Idle time after which a connection is closed; null is the client's default, 0 is never. */
  readonly idleTimeoutMs: number | null;
  readonly maxDurationMs: number | null;
  /** True if the caller's address determines the endpoint. */
  readonly hashesSource: boolean;
  /** Tunnel that the destination opens to another host; null for none. */
  readonly tunnel: { readonly target: string; readonly usesPost: boolean } | null;
}

/** Treatment of a connection. */
export type ListenerTraffic =
  | {
      readonly type: 'http';
      readonly routeConfiguration: string;
      /** Filters besides those of every connection manager, without duplicates. */
      readonly filters: readonly HttpFilterPlan[];
    }
  /** `targets`: at least one. `connection`: undefined is the client's default. */
  | {
      readonly type: 'tcp';
      readonly targets: readonly WeightedTarget[];
      readonly connection?: TcpConnectionPlan | undefined;
      /** Lookup of a connection's server name, for a destination with dynamic DNS. Absent: none. */
      readonly lookup?: { readonly families: IpFamilies | 'any'; readonly port: number } | undefined;
    }
  /** Traffic for the workload beside the proxy; null for a port without a service. Single requests only with `isHttp`. */
  | { readonly type: 'served'; readonly port: InboundPort | null; readonly isHttp: boolean };

/**
 * Claim of one unit to connections of a listener. Units with equal claims and traffic share a chain. Otherwise the
 * index of matches decides, as the index of domains does for a route configuration.
 */
export interface FilterChainPlan {
  readonly listener: ListenerFrame;
  /** Name; empty for none. */
  readonly name: string;
  readonly match: ChainMatch;
  /** True for a chain that also accepts protocols outside `match`, unless another chain accepts them. */
  readonly takesRest: boolean;
  /** True for the treatment of connections of no known service. Every other claim comes before it. */
  readonly isForUnknown: boolean;
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

/** Address to which a proxy sends the connections of an inbound port. */
export type InboundEndpoint =
  | { readonly type: 'original-destination' }
  | { readonly type: 'address'; readonly address: string; readonly port: number }
  /** Path of a Unix domain socket; `@name` for an abstract one. */
  | { readonly type: 'socket'; readonly path: string };

/** Port that a workload serves. */
export interface InboundPort {
  readonly portName: string;
  readonly servicePort: number;
  readonly targetPort: number;
  /** `detected`: each connection shows whether it is HTTP. */
  readonly protocol: 'http' | 'http2' | 'tcp' | 'detected';
  /** Addresses of its listener; the first is in the names of its chain and statistics. */
  readonly binds: OneOrTwo;
  /** True for a listener of its own. Otherwise, redirected connections reach it. */
  readonly bindsToPort: boolean;
  readonly endpoint: InboundEndpoint;
  readonly limits: ConnectionLimits;
  /** True if requests reach the workload in the protocol in which they came. */
  readonly keepsProtocol: boolean;
  /** Service or Sidecar that defines the port. */
  readonly origins: readonly string[];
  /** Rules that define its limits. */
  readonly limitOrigins: readonly string[];
}

/** Inbound ports of a group of workloads, in order of precedence, one per target port. */
export interface InboundPlan {
  readonly ports: readonly InboundPort[];
  readonly families: IpFamilies;
  /** True if the kernel redirects connections to the proxy. */
  readonly captured: boolean;
  readonly connectTimeoutMs: number;
}
