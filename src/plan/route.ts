import type { RouteFilterPlan } from './http-filters.ts';

/** Match of a text. `present`: any value. */
export type TextMatch =
  | { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string }
  | { readonly type: 'present' };

/** Condition on one request header. */
export interface HeaderMatch {
  readonly name: string;
  readonly match: TextMatch;
  readonly inverted: boolean;
}

/** Match of a route; all conditions must hold. */
export interface RouteMatch {
  readonly path: { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string; readonly ignoreCase: boolean };
  readonly headers: readonly HeaderMatch[];
  readonly query: readonly { readonly name: string; readonly match: TextMatch }[];
}

/** Changes of headers in one direction. */
export interface HeaderChange {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** Changes of request headers and response headers. */
export interface HeaderChanges {
  readonly request: HeaderChange;
  readonly response: HeaderChange;
}

/** Share of the traffic; weights are relative to their sum. */
export interface WeightedTarget {
  /** Name of a destination. If it does not exist, the client answers with 503. */
  readonly destination: string;
  readonly weight: number;
  readonly headers: HeaderChanges | null;
  /** Host for requests to this target; null for that of the route. */
  readonly rewriteHost: string | null;
}

/** Retries. `attempts` excludes the first try; null is the client's default. */
export interface RetryPlan {
  readonly retryOn: string;
  readonly statusCodes: readonly number[];
  readonly attempts: number;
  readonly perTryTimeoutMs: number | null;
  readonly backoffMs: number | null;
  readonly avoidPreviousHosts: boolean;
  /** True if retries prefer endpoints of priorities that were not tried, which are other localities. */
  readonly avoidPreviousLocalities: boolean;
}

/** Replacement of the matched path. */
export type PathRewrite =
  | { readonly type: 'prefix'; readonly value: string }
  | { readonly type: 'regex'; readonly pattern: string; readonly substitution: string };

/** Part of a request from which destinations with a hash load balancer choose the endpoint. */
export type HashKey =
  | { readonly type: 'header' | 'query'; readonly name: string }
  /** A client without the cookie gets one if `ttlMs` is not null; 0 is a cookie of the session. */
  | {
      readonly type: 'cookie';
      readonly name: string;
      readonly path: string;
      readonly ttlMs: number | null;
      readonly attributes: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly type: 'source-address' };

/** Sends the request to a destination. */
export interface ForwardAction {
  readonly type: 'forward';
  /** At least one target. The weight of a single one has no effect. */
  readonly targets: readonly WeightedTarget[];
  /** Timeout in milliseconds; 0 for none. */
  readonly timeoutMs: number;
  readonly retries: RetryPlan | null;
  readonly rewritePath: PathRewrite | null;
  readonly rewriteHost: string | null;
  /** Mirrors; `percent` is the share of requests, 0 to 100. */
  readonly mirrors: readonly { readonly destination: string; readonly percent: number }[];
  /** Hash keys of the targets, without duplicates. */
  readonly hashKeys: readonly HashKey[];
}

/** Redirects the client. Null parts of the URL stay unchanged. */
export interface RedirectAction {
  readonly type: 'redirect';
  readonly code: 301 | 302 | 303 | 307 | 308;
  readonly path: { readonly type: 'whole' | 'prefix'; readonly value: string } | null;
  readonly host: string | null;
  readonly scheme: string | null;
  readonly port: number | null;
}

/** Limit of response bodies, equal to that of Istio's proxies. Envoy's default is lower. */
export const maxResponseBodyBytes = 1_048_576;

/** Answers from the proxy. */
export interface RespondAction {
  readonly type: 'respond';
  readonly status: number;
  readonly body: { readonly type: 'text' | 'base64'; readonly value: string } | null;
}

/** Action for a matching request. */
export type RouteAction = ForwardAction | RedirectAction | RespondAction;

/** Route; the first matching one applies. */
export interface RoutePlan {
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly headers: HeaderChanges | null;
  /** Prefix of statistics of these requests; empty for none. */
  readonly statPrefix: string;
  /** Filter settings for requests of this route; each filter at most once. */
  readonly perFilter: readonly RouteFilterPlan[];
}

/**
 * Routes of one host on one port. A domain may occur only once in a route configuration, so its index of domains
 * assigns each requested domain to one virtual host.
 */
export interface VirtualHostPlan {
  readonly name: string;
  /** Name of its route configuration. */
  readonly routeConfiguration: string;
  /** Domain of the host, which takes precedence over short forms, aliases and addresses of others. */
  readonly ownDomain: string;
  /** Domains without ports; `port` is added to each. The first is `ownDomain`. */
  readonly domains: readonly string[];
  /** Null if the domains are complete, because the requests of a route configuration name their port. */
  readonly port: number | null;
  /** Creation time; the oldest virtual host gets a domain that several request. */
  readonly createdAtMs: number;
  readonly routes: readonly RoutePlan[];
  readonly origins: readonly string[];
}

/** Action for requests and connections to unknown hosts; `destination`: all go to this one. */
export type UnknownHosts = 'forward' | 'refuse' | { readonly destination: string };

/** Returns the name of the cluster for connections to unknown hosts. */
export function clusterOfUnknown(unknownHosts: UnknownHosts): string {
  if (unknownHosts === 'refuse') return 'BlackHoleCluster';
  return unknownHosts === 'forward' ? 'PassthroughCluster' : unknownHosts.destination;
}
