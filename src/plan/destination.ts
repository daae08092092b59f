import type { Endpoint } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import type { IpFamilies } from './ip-families.ts';

/** Increase of the requests to a new endpoint during a window. Undefined values are the client's default. */
export interface WarmupPlan {
  readonly windowMs: number;
  /** Initial share of its weight. */
  readonly minPercent?: number | undefined;
  /** Speed of the increase; 1 is linear. */
  readonly aggression?: number | undefined;
}

/**
 * Load balancing of a destination. `passthrough`: the address that the client called. The hash of a request is a matter
 * of its route (`ForwardAction.hashKeys`).
 */
export type LoadBalancing =
  | { readonly type: 'round-robin' | 'least-request'; readonly warmup: WarmupPlan | null }
  | { readonly type: 'random' | 'passthrough' }
  /** Null sizes are the client's default. */
  | { readonly type: 'ring-hash'; readonly minRingSize: number | null }
  | { readonly type: 'maglev'; readonly tableSize: number | null };

/** Probes on idle TCP connections. */
export interface KeepalivePlan {
  readonly probes?: number | undefined;
  readonly timeMs?: number | undefined;
  readonly intervalMs?: number | undefined;
}

/** Limits of connections and requests; undefined is the generator's default. */
export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly maxConnections?: number | undefined;
  readonly maxPendingRequests?: number | undefined;
  readonly maxRequests?: number | undefined;
  readonly maxRetries?: number | undefined;
  /** Limit of retries in proportion to requests, in place of `maxRetries`. */
  readonly retryBudget?: { readonly percent: number; readonly minConcurrent: number } | undefined;
  readonly maxRequestsPerConnection?: number | undefined;
  readonly maxConnectionMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly keepalive?: KeepalivePlan | undefined;
  /** Limits of HTTP/2 connections. */
  readonly http2?:
    | {
        readonly maxStreams?: number | undefined;
        readonly pingIntervalMs?: number | undefined;
        readonly pingTimeoutMs?: number | undefined;
      }
    | undefined;
}

/** Outlier ejection; undefined is the client's default. */
export interface OutlierPlan {
  readonly consecutive5xx?: number | undefined;
  readonly consecutiveGatewayErrors?: number | undefined;
  readonly consecutiveLocalOriginFailures?: number | undefined;
  readonly splitLocalOrigin: boolean;
  readonly intervalMs?: number | undefined;
  readonly baseEjectionMs?: number | undefined;
  readonly maxEjectionPercent?: number | undefined;
  /** Share of healthy endpoints below which requests go to all of them. */
  readonly minHealthPercent?: number | undefined;
}

/** TLS of connections to a destination. Files are those of the client's machine. */
export interface ClientTlsPlan {
  readonly certificate: { readonly chainFile: string; readonly keyFile: string } | null;
  /** Authorities of servers; null: the server is not verified. */
  readonly authorities: { readonly file: string; readonly crlFile: string | null } | null;
  /** Names of which the server's certificate must have one; empty for any. */
  readonly serverNames: readonly string[];
  /** Server name to send; null: the host of the request. */
  readonly sni: string | null;
}

/** Place of a client, as far as it matters for the choice of endpoints. */
export interface ClientPlace {
  /** Locality `region/zone/subzone`; empty if unknown, `anywhere` if it does not matter. */
  readonly locality: string;
  /** Labels that rules compare with those of endpoints. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Locality that prefers no endpoints. */
export const anywhere = '*';

/** Preference of endpoints by the place of the client. Localities in rules may end with `*`. */
export type LocalityPlan =
  /** Shares of localities, in percent. The first rule for the client's locality applies. */
  | {
      readonly type: 'shares';
      readonly rules: readonly {
        readonly from: string;
        readonly to: readonly (readonly [locality: string, percent: number])[];
      }[];
    }
  | {
      readonly type: 'failover';
      /** Labels (`name` or `name=value`) that endpoints should share with the client, the most important first. */
      readonly labels: readonly string[];
      /** Order by locality; null for none. `regions` has the first choice after the region of the client. */
      readonly byLocality: { readonly regions: readonly { readonly from: string; readonly to: string }[] } | null;
    };

/** Form of an assignment. `plain`: each address once. `one-locality`: also all in one locality. */
export type AssignmentForm = 'full' | 'plain' | 'one-locality';

/** Selection of a destination's endpoints, if they are served separately (EDS). Shared by all scopes. */
export interface AssignmentPlan {
  readonly name: string;
  readonly service: ServiceKey;
  readonly portName: string;
  /** Labels that an endpoint must have. */
  readonly labels: Readonly<Record<string, string>>;
  readonly form: AssignmentForm;
  /** True if unhealthy endpoints are sent as such; false if they are omitted. */
  readonly listsUnhealthy: boolean;
  /** Preferences of endpoints; null if all clients have equal ones. */
  readonly locality: LocalityPlan | null;
}

/** Properties of an endpoint by which clients may prefer it. */
export type PlacedEndpoint = Pick<Endpoint, 'weight' | 'locality' | 'labels' | 'network' | 'cluster'>;

/** Name to look up, or address. */
export interface DnsTarget extends PlacedEndpoint {
  readonly address: string;
  readonly port: number;
  readonly isHealthy: boolean;
}

/** Source of a destination's endpoints. */
export type DestinationEndpoints =
  | { readonly type: 'assigned'; readonly assignment: AssignmentPlan }
  | {
      readonly type: 'dns';
      readonly all: boolean;
      /** Families of the addresses to call. `any`: those that the name has, IPv4 first. */
      readonly families: IpFamilies | 'any';
      readonly targets: readonly DnsTarget[];
      /** Preferences of targets; null if all clients have equal ones. */
      readonly locality: LocalityPlan | null;
    }
  /** The name of the call: the host of a request, or the server name of a TLS connection. */
  | { readonly type: 'dynamic-dns'; readonly families: IpFamilies | 'any' }
  /** `port` replaces the called port; null keeps it. */
  | { readonly type: 'original-destination'; readonly port: number | null };

/** HTTP version to a destination. `client`: that of the request. */
export type UpstreamProtocol = 'http1' | 'http2' | 'client';

/** Port (and subset) of one service, as a scope calls it. Becomes a cluster. */
export interface DestinationPlan {
  readonly name: string;
  readonly endpoints: DestinationEndpoints;
  readonly protocol: UpstreamProtocol;
  readonly loadBalancing: LoadBalancing;
  readonly limits: ConnectionLimits;
  readonly outlier: OutlierPlan | null;
  /** True if the weights of localities determine their shares. */
  readonly weighsLocalities: boolean;
  readonly tls: ClientTlsPlan | null;
  /** Version of the PROXY protocol that announces the caller's address; null for none. */
  readonly proxyProtocol: 'V1' | 'V2' | null;
  readonly origins: readonly string[];
}

/** Reports whether a cluster depends on the place of clients. */
export const isPlaced = ({ endpoints }: DestinationPlan): boolean =>
  endpoints.type === 'dns' && endpoints.locality !== null;

/** Place of clients that prefer no endpoints. */
export const nowhere: ClientPlace = { locality: anywhere, labels: {} };

/** Builds the name of an outbound cluster, on which operators and dashboards rely: `outbound|80|v1|host`. */
export const outboundName = (port: number, subset: string, host: string): string =>
  `outbound|${port}|${subset}|${host}`;
