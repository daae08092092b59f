import type { ServiceKey } from '../model/names.ts';

/** Load balancing of a destination. `passthrough`: the address that the client called. */
export type LoadBalancing = 'round-robin' | 'least-request' | 'random' | 'passthrough';

/** Connection limits; undefined is the generator's default. */
export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly maxConnections?: number | undefined;
  readonly maxPendingRequests?: number | undefined;
  readonly maxRequests?: number | undefined;
  readonly maxRetries?: number | undefined;
  readonly maxRequestsPerConnection?: number | undefined;
  readonly httpIdleTimeoutMs?: number | undefined;
  readonly keepalive?: { readonly probes?: number; readonly timeMs?: number; readonly intervalMs?: number } | undefined;
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
}

/** Source of a destination's endpoints. */
export type DestinationEndpoints =
  | { readonly type: 'assigned'; readonly assignment: AssignmentPlan }
  | {
      readonly type: 'dns';
      readonly all: boolean;
      readonly targets: readonly { readonly address: string; readonly port: number; readonly weight: number }[];
    }
  | { readonly type: 'original-destination' };

/** Port (and subset) of one service, as a scope calls it. Becomes a cluster. */
export interface DestinationPlan {
  readonly name: string;
  readonly endpoints: DestinationEndpoints;
  readonly http2: boolean;
  readonly loadBalancing: LoadBalancing;
  readonly limits: ConnectionLimits;
  readonly outlier: OutlierPlan | null;
  readonly origins: readonly string[];
}

/** Builds the name of an outbound cluster, on which operators and dashboards rely: `outbound|80|v1|host`. */
export const outboundName = (port: number, subset: string, host: string): string =>
  `outbound|${port}|${subset}|${host}`;
