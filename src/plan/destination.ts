import type { ServiceKey } from '../model/names.ts';

/** How a destination spreads requests. `passthrough`: the address that the client called. */
export type LoadBalancing = 'round-robin' | 'least-request' | 'random' | 'passthrough';

/** Limits; what is undefined is the generator's default. */
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

/** When an endpoint is left out for a while. What is undefined is the client's default. */
export interface OutlierPlan {
  readonly consecutive5xx?: number | undefined;
  readonly consecutiveGatewayErrors?: number | undefined;
  readonly consecutiveLocalOriginFailures?: number | undefined;
  readonly splitLocalOrigin: boolean;
  readonly intervalMs?: number | undefined;
  readonly baseEjectionMs?: number | undefined;
  readonly maxEjectionPercent?: number | undefined;
  /** Below this share of healthy endpoints, requests go to all of them. */
  readonly minHealthPercent?: number | undefined;
}

/**
 * What clients can read of endpoints. `plain`: each address once, none marked as draining. `one-locality`: the same, and
 * all of them together, wherever they are.
 */
export type AssignmentForm = 'full' | 'plain' | 'one-locality';

/** Which endpoints a destination has, when they are served apart from it. Shared by all scopes. */
export interface AssignmentPlan {
  readonly name: string;
  readonly service: ServiceKey;
  readonly portName: string;
  /** An endpoint belongs when it has all of these labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly form: AssignmentForm;
}

/** Where a destination's endpoints come from. */
export type DestinationEndpoints =
  | { readonly type: 'assigned'; readonly assignment: AssignmentPlan }
  | {
      readonly type: 'dns';
      readonly all: boolean;
      readonly targets: readonly { readonly address: string; readonly port: number; readonly weight: number }[];
    }
  | { readonly type: 'original-destination' };

/** One port (and subset) of one service, as some scope calls it. Becomes a cluster. */
export interface DestinationPlan {
  readonly name: string;
  readonly endpoints: DestinationEndpoints;
  readonly http2: boolean;
  readonly loadBalancing: LoadBalancing;
  readonly limits: ConnectionLimits;
  readonly outlier: OutlierPlan | null;
  readonly origins: readonly string[];
}

/** The name of an outbound cluster, semantics that operators and dashboards rely on: `outbound|80|v1|host`. */
export const outboundName = (port: number, subset: string, host: string): string =>
  `outbound|${port}|${subset}|${host}`;
