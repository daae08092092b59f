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
import { delegatedRoutes, type RoutedSpec } from './delegates.ts';
import type { HttpRouteSpec } from './http-schema.ts';
import type { VirtualService } from './index.ts';
import { appliesTo, hostToSet, resolveHeaderChanges, resolveMatch } from './resolve-match.ts';
import { resolveMirrors, resolveRetries, resolveRouteFilters } from './resolve-policies.ts';
import type { RouteContext } from './route-context.ts';

/** HTTP routes of a rule. */
export interface RuleRoutes {
  readonly routes: readonly RoutePlan[];
  /** Delegates of the rule with a route among these. */
  readonly delegates: readonly VirtualService[];
}

/**
 * Returns the routes for clients of `context.port`, in order. A route with several matches becomes several routes.
 * Routes after one that matches every request are dropped.
 */
export function resolveHttpRoutes(rule: VirtualService, context: RouteContext): RuleRoutes {
  const plans: RoutePlan[] = [];
  const delegates = new Set<VirtualService>();
  for (const routed of delegatedRoutes(rule, context)) {
    const { spec, parts } = routed;
    const matches = spec.match === undefined || spec.match.length === 0 ? [{}] : spec.match;
    for (const match of matches) {
      if (!appliesTo(match, context)) continue;
      const conditions = resolveMatch(match);
      const name = [spec.name, match.name].filter((part) => part !== undefined && part !== '').join('.');
      plans.push({
        name,
        match: conditions,
        action: resolveAction(routed, context),
        headers: spec.headers === undefined ? null : resolveHeaderChanges(spec.headers),
        statPrefix: match.statPrefix ?? '',
        perFilter: resolveRouteFilters(spec),
      });
      if (parts.route.rule !== rule) delegates.add(parts.route.rule);
      const { path, headers, query } = conditions;
      const catchesAll = path.type === 'prefix' && path.value === '/' && headers.length === 0 && query.length === 0;
      if (catchesAll) return { routes: plans, delegates: [...delegates] };
    }
  }
  return { routes: plans, delegates: [...delegates] };
}

/** Returns the route of a host without rules. */
export const defaultRoute = (
  destination: string,
  retries: RetryPlan | null,
  hashKey: HashKey | null = null,
): RoutePlan => ({
  name: 'default',
  match: resolveMatch({}),
  headers: null,
  statPrefix: '',
  perFilter: [],
  action: {
    type: 'forward',
    targets: [{ destination, weight: 1, headers: null, rewriteHost: null }],
    timeoutMs: 0,
    retries,
    rewritePath: null,
    rewriteHost: null,
    mirrors: [],
    hashKeys: hashKey === null ? [] : [hashKey],
  },
});

function resolveAction(routed: RoutedSpec, context: RouteContext): RouteAction {
  const { redirect, directResponse } = routed.spec;
  if (redirect !== undefined) return resolveRedirect(redirect, context.port);
  if (directResponse === undefined) return resolveForward(routed, context);
  const { status, body } = directResponse;
  if (body === undefined) return { type: 'respond', status, body: null };
  return body.string !== undefined
    ? { type: 'respond', status, body: { type: 'text', value: body.string } }
    : { type: 'respond', status, body: { type: 'base64', value: body.bytes ?? '' } };
}

function resolveForward(routed: RoutedSpec, context: RouteContext): ForwardAction {
  const { spec } = routed;
  const targets = resolveTargets(routed, context);
  const ownHost = textOf(spec.rewrite?.authority) ?? (spec.headers === undefined ? null : hostToSet(spec.headers));
  const [only, ...others] = targets;
  const isSingle = only !== undefined && others.length === 0;
  return {
    type: 'forward',
    targets: isSingle ? [{ ...only, rewriteHost: null }] : targets,
    timeoutMs: spec.timeout === undefined ? 0 : durationMs(spec.timeout),
    retries: spec.retries === undefined ? context.defaultRetries : resolveRetries(spec.retries),
    rewritePath: resolveRewrite(spec.rewrite),
    rewriteHost: ownHost ?? (isSingle ? only.rewriteHost : null),
    mirrors: resolveMirrors(routed, context),
    hashKeys: resolveHashKeys(routed, context),
  };
}

function resolveHashKeys({ spec, parts }: RoutedSpec, context: RouteContext): readonly HashKey[] {
  const destinations = spec.route ?? [];
  const keys = destinations
    .map(({ destination }) => context.hashKey(destination, parts.route.rule))
    .filter((key) => key !== null);
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
}

/** Resolves the destinations of a route. Of several, those without weight get no requests. */
function resolveTargets({ spec, parts }: RoutedSpec, context: RouteContext): ForwardAction['targets'] {
  const destinations = spec.route ?? [];
  const { rule, path } = parts.route;
  return destinations
    .map(({ destination, weight, headers }, index) => ({
      destination: context.destinationName(destination, { rule, path: `${path}.route[${index}].destination` }),
      weight: weight ?? 0,
      headers: headers === undefined ? null : resolveHeaderChanges(headers),
      rewriteHost: headers === undefined ? null : hostToSet(headers),
    }))
    .filter(({ weight }) => destinations.length === 1 || weight > 0);
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
