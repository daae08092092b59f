import type {
  ForwardAction,
  HashKey,
  PathRewrite,
  RedirectAction,
  RetryPlan,
  RouteAction,
  RoutePlan,
} from '../../../plan/route.ts';
import { durationMs } from '../../duration.ts';
import type { DestinationSpec } from './destination-schema.ts';
import type { HttpRouteSpec } from './http-schema.ts';
import { appliesTo, hostToSet, resolveHeaderChanges, resolveMatch, type SourceContext } from './resolve-match.ts';

/** Facts about the scope for which a VirtualService's routes are resolved. */
export interface RouteContext extends SourceContext {
  /** The port that clients call. */
  readonly port: number;
  /** Returns the name of a route's destination; records a note when it does not exist. */
  destinationName(destination: DestinationSpec, path: string): string;
  /** Returns the part of a request whose hash chooses the endpoint of a destination; null if nothing does. */
  hashKey(destination: DestinationSpec): HashKey | null;
}

/**
 * Returns the routes for clients of `context.port`, in order. A route with several matches becomes several routes.
 * Routes after one that matches every request are dropped. Delegates are not compiled yet and are left out.
 */
export function resolveHttpRoutes(routes: readonly HttpRouteSpec[], context: RouteContext): readonly RoutePlan[] {
  const plans: RoutePlan[] = [];
  for (const [index, route] of routes.entries()) {
    if (route.delegate !== undefined) continue;
    const matches = route.match === undefined || route.match.length === 0 ? [{}] : route.match;
    for (const match of matches) {
      if (!appliesTo(match, context)) continue;
      const conditions = resolveMatch(match);
      const name = [route.name, match.name].filter((part) => part !== undefined && part !== '').join('.');
      plans.push({
        name,
        match: conditions,
        action: resolveAction(route, `spec.http[${index}]`, context),
        headers: route.headers === undefined ? null : resolveHeaderChanges(route.headers),
        perFilter: [],
      });
      const { path, headers, query } = conditions;
      const catchesAll = path.type === 'prefix' && path.value === '/' && headers.length === 0 && query.length === 0;
      if (catchesAll) return plans;
    }
  }
  return plans;
}

/** Returns the route of a host without rules. */
export const defaultRoute = (destination: string, hashKey: HashKey | null = null): RoutePlan => ({
  name: 'default',
  match: resolveMatch({}),
  headers: null,
  perFilter: [],
  action: {
    type: 'forward',
    targets: [{ destination, weight: 1, headers: null }],
    timeoutMs: 0,
    retries: defaultRetries,
    rewritePath: null,
    rewriteHost: null,
    mirrors: [],
    hashKeys: hashKey === null ? [] : [hashKey],
  },
});

/** Retries only what is safe: requests that no endpoint has begun to answer. */
export const defaultRetries: RetryPlan = {
  retryOn: 'connect-failure,refused-stream,unavailable,cancelled',
  statusCodes: [],
  attempts: 2,
  perTryTimeoutMs: null,
  backoffMs: null,
  avoidPreviousHosts: true,
};

function resolveAction(route: HttpRouteSpec, path: string, context: RouteContext): RouteAction {
  if (route.redirect !== undefined) return resolveRedirect(route.redirect, context.port);
  if (route.directResponse !== undefined) {
    const { status, body } = route.directResponse;
    if (body === undefined) return { type: 'respond', status, body: null };
    return body.string !== undefined
      ? { type: 'respond', status, body: { type: 'text', value: body.string } }
      : { type: 'respond', status, body: { type: 'base64', value: body.bytes ?? '' } };
  }
  return resolveForward(route, path, context);
}

function resolveForward(route: HttpRouteSpec, path: string, context: RouteContext): ForwardAction {
  const destinations = route.route ?? [];
  return {
    type: 'forward',
    targets: destinations.map(({ destination, weight, headers }, index) => ({
      destination: context.destinationName(destination, `${path}.route[${index}].destination`),
      weight: weight ?? 0,
      headers: headers === undefined ? null : resolveHeaderChanges(headers),
    })),
    timeoutMs: route.timeout === undefined ? 0 : durationMs(route.timeout),
    retries: resolveRetries(route.retries),
    rewritePath: resolveRewrite(route.rewrite),
    rewriteHost: textOf(route.rewrite?.authority) ?? (route.headers === undefined ? null : hostToSet(route.headers)),
    mirrors: resolveMirrors(route, path, context),
    hashKeys: resolveHashKeys(route, context),
  };
}

function resolveHashKeys({ route: destinations = [] }: HttpRouteSpec, context: RouteContext): readonly HashKey[] {
  const keys = destinations.map(({ destination }) => context.hashKey(destination)).filter((key) => key !== null);
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
}

function resolveRetries(spec: HttpRouteSpec['retries']): RetryPlan | null {
  if (spec === undefined) return defaultRetries;
  if (spec.attempts === 0) return null;
  const conditions = (spec.retryOn ?? '').split(',').map((text) => text.trim());
  const isStatus = (text: string) => /^\d+$/.test(text);
  const statusCodes = conditions.filter(isStatus).map(Number);
  const named = conditions.filter((text) => text !== '' && !isStatus(text));
  if (statusCodes.length > 0 && !named.includes('retriable-status-codes')) named.push('retriable-status-codes');
  return {
    retryOn: named.length === 0 ? defaultRetries.retryOn : named.join(','),
    statusCodes,
    attempts: spec.attempts ?? defaultRetries.attempts,
    perTryTimeoutMs: spec.perTryTimeout === undefined ? null : durationMs(spec.perTryTimeout),
    backoffMs: spec.backoff === undefined ? null : durationMs(spec.backoff),
    avoidPreviousHosts: spec.retryIgnorePreviousHosts ?? true,
  };
}

function resolveRewrite(spec: HttpRouteSpec['rewrite']): PathRewrite | null {
  if (spec?.uriRegexRewrite !== undefined) {
    return { type: 'regex', pattern: spec.uriRegexRewrite.match, substitution: spec.uriRegexRewrite.rewrite };
  }
  const uri = textOf(spec?.uri);
  return uri === null ? null : { type: 'prefix', value: uri };
}

/** Treats an empty text like an absent one. */
const textOf = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

function resolveMirrors(route: HttpRouteSpec, path: string, context: RouteContext): ForwardAction['mirrors'] {
  const several = (route.mirrors ?? []).map(({ destination, percentage }, index) => ({
    destination: context.destinationName(destination, `${path}.mirrors[${index}].destination`),
    percent: percentage === undefined ? 100 : (percentage.value ?? 0),
  }));
  if (route.mirror === undefined) return several.filter(({ percent }) => percent > 0);
  const destination = context.destinationName(route.mirror, `${path}.mirror`);
  const { mirrorPercentage, mirrorPercent = route.mirror_percent ?? 100 } = route;
  const percent = mirrorPercentage === undefined ? mirrorPercent : (mirrorPercentage.value ?? 0);
  return percent > 0 ? [{ destination, percent }] : [];
}

function resolveRedirect(spec: NonNullable<HttpRouteSpec['redirect']>, clientPort: number): RedirectAction {
  return {
    type: 'redirect',
    code: spec.redirectCode ?? 301,
    path: resolveRedirectPath(spec),
    host: textOf(spec.authority),
    scheme: spec.scheme ?? null,
    port: spec.port ?? (spec.derivePort === 'FROM_REQUEST_PORT' ? clientPort : null),
  };
}

/** Resolves the path. `%PREFIX()%` before a path is an older form of `prefixRewrite`. */
function resolveRedirectPath({ uri, prefixRewrite }: NonNullable<HttpRouteSpec['redirect']>): RedirectAction['path'] {
  const prefix = '%PREFIX()%';
  if (prefixRewrite !== undefined && prefixRewrite !== '') return { type: 'prefix', value: prefixRewrite };
  if (uri === undefined || uri === '') return null;
  return uri.startsWith(prefix) ? { type: 'prefix', value: uri.slice(prefix.length) } : { type: 'whole', value: uri };
}
