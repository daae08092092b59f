import type { RouteFilterPlan } from './http-filters.ts';

/** How a text is matched. `present`: any value. */
export type TextMatch =
  | { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string }
  | { readonly type: 'present' };

/** A condition on one request header. */
export interface HeaderMatch {
  readonly name: string;
  readonly match: TextMatch;
  readonly inverted: boolean;
}

/** All conditions must hold. */
export interface RouteMatch {
  readonly path: { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string; readonly ignoreCase: boolean };
  readonly headers: readonly HeaderMatch[];
  readonly query: readonly { readonly name: string; readonly match: TextMatch }[];
}

/** What becomes of the headers of one direction. */
export interface HeaderChange {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** Of the request on its way to the destination, and of the response on its way back. */
export interface HeaderChanges {
  readonly request: HeaderChange;
  readonly response: HeaderChange;
}

/** A share of the traffic; weights are relative to their sum. */
export interface WeightedTarget {
  /** A destination's name; it may be missing, which the client answers with 503. */
  readonly destination: string;
  readonly weight: number;
  readonly headers: HeaderChanges | null;
}

/** When a request is sent again. `attempts` does not count the first try; null is the client's default. */
export interface RetryPlan {
  readonly retryOn: string;
  readonly statusCodes: readonly number[];
  readonly attempts: number;
  readonly perTryTimeoutMs: number | null;
  readonly backoffMs: number | null;
  readonly avoidPreviousHosts: boolean;
}

/** What the destination sees in place of the path that matched. */
export type PathRewrite =
  | { readonly type: 'prefix'; readonly value: string }
  | { readonly type: 'regex'; readonly pattern: string; readonly substitution: string };

/** The request goes to a destination. */
export interface ForwardAction {
  readonly type: 'forward';
  /** At least one. A single one's weight is of no matter. */
  readonly targets: readonly WeightedTarget[];
  /** 0: none. */
  readonly timeoutMs: number;
  readonly retries: RetryPlan | null;
  readonly rewritePath: PathRewrite | null;
  readonly rewriteHost: string | null;
  /** `percent` is of requests, 0 to 100. */
  readonly mirrors: readonly { readonly destination: string; readonly percent: number }[];
}

/** The client is told to ask elsewhere. What is null stays as it was asked. */
export interface RedirectAction {
  readonly type: 'redirect';
  readonly code: 301 | 302 | 303 | 307 | 308;
  readonly path: { readonly type: 'whole' | 'prefix'; readonly value: string } | null;
  readonly host: string | null;
  readonly scheme: string | null;
  readonly port: number | null;
}

/** Envoy takes 4 KiB unless it is told; Istio's proxies take this much. */
export const maxResponseBodyBytes = 1_048_576;

/** The proxy answers by itself. */
export interface RespondAction {
  readonly type: 'respond';
  readonly status: number;
  readonly body: { readonly type: 'text' | 'base64'; readonly value: string } | null;
}

/** What becomes of a request that matches. */
export type RouteAction = ForwardAction | RedirectAction | RespondAction;

/** One route; of several that match the first counts. */
export interface RoutePlan {
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly headers: HeaderChanges | null;
  /** For its requests; in each, a filter stands once. */
  readonly perFilter: readonly RouteFilterPlan[];
}

/**
 * What one host answers on one port. Its domains are what it would like to own: within a route configuration a domain
 * stands only once, and the index of domains decides.
 */
export interface VirtualHostPlan {
  readonly name: string;
  /** The route configuration that it belongs to. */
  readonly routeConfiguration: string;
  /** The host itself: it beats shortened forms, aliases and addresses of others. */
  readonly ownDomain: string;
  /** Without ports; `port` is added to each. The first is `ownDomain`. */
  readonly domains: readonly string[];
  readonly port: number;
  /** The oldest wins a domain that several claim. */
  readonly createdAtMs: number;
  readonly routes: readonly RoutePlan[];
  readonly origins: readonly string[];
}

/** What a route configuration is but for its virtual hosts. */
export interface RouteConfigurationPlan {
  readonly name: string;
  /** What becomes of a request whose host is not known. */
  readonly unknownHosts: 'forward' | 'refuse';
}
