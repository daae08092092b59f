/**
 * Stages of HTTP filters in a connection manager, in the order in which requests pass them. The order is Istio's; the
 * router is last.
 */
export const httpFilterStages = [
  'metadata-exchange',
  'custom-authorization',
  'authentication-extensions',
  'jwt',
  'authorization-extensions',
  'authorization',
  'stats-extensions',
  'grpc-stats',
  'alpn',
  'fault',
  'cors',
  'telemetry',
  'session',
  'dynamic-dns',
  'router',
] as const;

export type HttpFilterStage = (typeof httpFilterStages)[number];

/** Filter of a connection manager, where `name` is unique. `HttpFilter` defines the type of `config`. */
export interface HttpFilterPlan {
  readonly stage: HttpFilterStage;
  readonly name: string;
  readonly config: object;
}

/** Settings of a filter for the requests of one route. */
export interface RouteFilterPlan {
  /** Name of the filter. */
  readonly name: string;
  readonly config: object;
}

/** Filter that plans can name, with the types of its settings for a connection manager and for one route. */
export interface HttpFilter<Config extends object, RouteConfig extends object> {
  readonly stage: HttpFilterStage;
  readonly name: string;
  of(config: Config): HttpFilterPlan;
  onRoute(config: RouteConfig): RouteFilterPlan;
}

export const httpFilter = <Config extends object, RouteConfig extends object = never>(
  stage: HttpFilterStage,
  name: string,
): HttpFilter<Config, RouteConfig> => ({
  stage,
  name,
  of: (config) => ({ stage, name, config }),
  onRoute: (config) => ({ name, config }),
});

/** Sorts filters by stage; those of one stage keep their order. */
export const inStageOrder = (filters: readonly HttpFilterPlan[]): readonly HttpFilterPlan[] =>
  [...filters].sort((a, b) => httpFilterStages.indexOf(a.stage) - httpFilterStages.indexOf(b.stage));

/** Looks up the host of a request for destinations with dynamic DNS. */
export const dynamicDnsFilter = httpFilter<{ readonly families: 'ipv4' | 'ipv6' | 'dual' | 'any' }>(
  'dynamic-dns',
  'envoy.filters.http.dynamic_forward_proxy',
);

/** Sends a request to the target of its route. */
export const routerFilter = httpFilter<Record<never, never>>('router', 'envoy.filters.http.router');
