import { type HttpFilterPlan, httpFilter } from './http-filters.ts';
import type { TextMatch } from './route.ts';

/** Failures of some requests. `percent` is a share of requests, above 0 and at most 100. */
export interface FaultPlan {
  readonly delay: { readonly delayMs: number; readonly percent: number } | null;
  /** Status that the proxy answers with: of HTTP, or of gRPC by number. */
  readonly abort: { readonly type: 'http' | 'grpc'; readonly status: number; readonly percent: number } | null;
}

/** Permissions for browsers of other origins. Null and empty lists leave out the header. */
export interface CorsPlan {
  readonly origins: readonly Exclude<TextMatch, { type: 'present' }>[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAgeSeconds: number | null;
  readonly allowsCredentials: boolean | null;
  /** True if preflights of other origins are forwarded; false if the proxy answers them. */
  readonly forwardsOthers: boolean;
}

/** Delays requests and answers them with errors, for routes with a plan. */
export const faultFilter = httpFilter<Record<never, never>, FaultPlan>('fault', 'envoy.filters.http.fault');

/** Answers preflights, for routes with a plan. */
export const corsFilter = httpFilter<Record<never, never>, CorsPlan>('cors', 'envoy.filters.http.cors');

/**
 * Filters of all outbound connection managers, which do nothing without settings of a route. A rule that begins to use
 * one therefore changes no listener, which would close connections.
 */
export const outboundFilters: readonly HttpFilterPlan[] = [faultFilter.of({}), corsFilter.of({})];
