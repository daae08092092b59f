import { assertNever } from '../../lib/assert-never.ts';
import {
  clusterOfUnknown,
  type ForwardAction,
  type HashKey,
  type HeaderChanges,
  type HeaderMatch,
  maxResponseBodyBytes,
  type RedirectAction,
  type RespondAction,
  type RetryPlan,
  type RouteMatch,
  type RoutePlan,
  type TextMatch,
  type UnknownHosts,
  type VirtualHostPlan,
} from '../../plan/route.ts';
import type { RouteConfigurationJson, VirtualHostJson } from '../../proto/json.ts';
import type { HttpFilterKind } from '../http-filters/kind.ts';
import { writeRouteFilters } from '../http-filters/write.ts';
import { durationFromMs, extension, fractionOf } from './json.ts';

type RouteJson = NonNullable<VirtualHostJson['routes']>[number];
type RouteActionJson = NonNullable<RouteJson['route']>;
type RedirectJson = NonNullable<RouteJson['redirect']>;
type RetryPolicyJson = NonNullable<RouteActionJson['retryPolicy']>;
type HeaderOptionJson = NonNullable<RouteJson['requestHeadersToAdd']>[number];
type StringMatcherJson = NonNullable<NonNullable<NonNullable<RouteJson['match']>['headers']>[number]['stringMatch']>;

/** Generates a virtual host without name and domains. These are written before it once the domain index has decided. */
export const generateVirtualHostBody = (
  plan: Pick<VirtualHostPlan, 'routes'>,
  filters: readonly HttpFilterKind[],
): VirtualHostJson => ({
  routes: plan.routes.map((route) => generateRoute(route, filters)),
  includeRequestAttemptCount: true,
});

/** Fields of a route configuration after its virtual hosts. */
export const routeConfigurationTail: RouteConfigurationJson = {
  validateClusters: false,
  ignorePortInHostMatching: true,
  maxDirectResponseBodySizeBytes: maxResponseBodyBytes,
};

/** Generates the last virtual host, for requests to unknown hosts. */
export function generateUnknownHosts(unknownHosts: UnknownHosts): VirtualHostJson {
  if (unknownHosts === 'refuse') {
    return {
      name: 'block_all',
      domains: ['*'],
      routes: [{ name: 'block_all', match: { prefix: '/' }, directResponse: { status: 502 } }],
    };
  }
  const route = { cluster: clusterOfUnknown(unknownHosts), timeout: '0s' };
  return { name: 'allow_any', domains: ['*'], routes: [{ name: 'allow_any', match: { prefix: '/' }, route }] };
}

export function generateRoute(plan: RoutePlan, filters: readonly HttpFilterKind[]): RouteJson {
  return {
    ...(plan.name === '' ? {} : { name: plan.name }),
    match: generateRouteMatch(plan.match),
    ...generateAction(plan),
    ...generateHeaderChanges(plan.headers),
    ...(plan.statPrefix === '' ? {} : { statPrefix: plan.statPrefix }),
    ...writeRouteFilters(plan.perFilter, filters),
  };
}

function generateAction({ action }: RoutePlan): RouteJson {
  switch (action.type) {
    case 'forward':
      return { route: generateForward(action) };
    case 'redirect':
      return { redirect: generateRedirect(action) };
    case 'respond':
      return { directResponse: generateResponse(action) };
    default:
      return assertNever(action);
  }
}

function generateForward(action: ForwardAction): RouteActionJson {
  const [first, ...others] = action.targets;
  return {
    ...(first !== undefined && others.length === 0 && first.headers === null && first.rewriteHost === null
      ? { cluster: first.destination }
      : {
          weightedClusters: {
            clusters: action.targets.map(({ destination, weight, headers, rewriteHost }) => ({
              name: destination,
              weight: action.targets.length === 1 ? 1 : weight,
              ...generateHeaderChanges(headers),
              ...(rewriteHost === null ? {} : { hostRewriteLiteral: rewriteHost }),
            })),
          },
        }),
    timeout: durationFromMs(action.timeoutMs),
    ...(action.retries === null ? {} : { retryPolicy: generateRetries(action.retries) }),
    ...generateRewrite(action),
    ...(action.mirrors.length === 0 ? {} : { requestMirrorPolicies: action.mirrors.map(generateMirror) }),
    ...(action.hashKeys.length === 0 ? {} : { hashPolicy: action.hashKeys.map(generateHashKey) }),
  };
}

const previousHosts = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  typedConfig: extension('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}),
};

/** Tries an endpoint of another priority after each failure of one of a priority. */
const previousPriorities = {
  name: 'envoy.retry_priorities.previous_priorities',
  typedConfig: extension('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', {
    updateFrequency: 2,
  }),
};

export const generateRetries = (plan: RetryPlan): RetryPolicyJson => ({
  retryOn: plan.retryOn,
  numRetries: plan.attempts,
  ...(plan.statusCodes.length === 0 ? {} : { retriableStatusCodes: [...plan.statusCodes] }),
  ...(plan.perTryTimeoutMs === null ? {} : { perTryTimeout: durationFromMs(plan.perTryTimeoutMs) }),
  ...(plan.backoffMs === null ? {} : { retryBackOff: { baseInterval: durationFromMs(plan.backoffMs) } }),
  ...(plan.avoidPreviousHosts ? { retryHostPredicate: [previousHosts], hostSelectionRetryMaxAttempts: '5' } : {}),
  ...(plan.avoidPreviousLocalities ? { retryPriority: previousPriorities } : {}),
});

function generateRewrite({ rewritePath, rewriteHost }: ForwardAction): RouteActionJson {
  return {
    ...(rewritePath?.type === 'prefix' ? { prefixRewrite: rewritePath.value } : {}),
    ...(rewritePath?.type === 'regex'
      ? { regexRewrite: { pattern: { regex: rewritePath.pattern }, substitution: rewritePath.substitution } }
      : {}),
    ...(rewriteHost === null ? {} : { hostRewriteLiteral: rewriteHost }),
  };
}

const generateMirror = ({ destination, percent }: ForwardAction['mirrors'][number]) => ({
  cluster: destination,
  runtimeFraction: { defaultValue: fractionOf(percent) },
});

function generateHashKey(key: HashKey): NonNullable<RouteActionJson['hashPolicy']>[number] {
  switch (key.type) {
    case 'header':
      return { header: { headerName: key.name } };
    case 'query':
      return { queryParameter: { name: key.name } };
    case 'cookie':
      return {
        cookie: {
          name: key.name,
          ...(key.ttlMs === null ? {} : { ttl: durationFromMs(key.ttlMs) }),
          ...(key.path === '' ? {} : { path: key.path }),
          ...(key.attributes.length === 0 ? {} : { attributes: [...key.attributes] }),
        },
      };
    case 'source-address':
      return { connectionProperties: { sourceIp: true } };
    default:
      return assertNever(key);
  }
}

const redirectCodes = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
} as const satisfies Record<RedirectAction['code'], RedirectJson['responseCode']>;

const generateRedirect = (action: RedirectAction): RedirectJson => ({
  responseCode: redirectCodes[action.code],
  ...(action.path?.type === 'whole' ? { pathRedirect: action.path.value } : {}),
  ...(action.path?.type === 'prefix' ? { prefixRewrite: action.path.value } : {}),
  ...(action.host === null ? {} : { hostRedirect: action.host }),
  ...(action.scheme === null ? {} : { schemeRedirect: action.scheme }),
  ...(action.port === null ? {} : { portRedirect: action.port }),
});

function generateResponse({ status, body }: RespondAction): NonNullable<RouteJson['directResponse']> {
  if (body === null) return { status };
  return { status, body: body.type === 'text' ? { inlineString: body.value } : { inlineBytes: body.value } };
}

function generateRouteMatch({ path, headers, query }: RouteMatch): NonNullable<RouteJson['match']> {
  return {
    ...pathMatch(path),
    ...(headers.length === 0 ? {} : { headers: headers.map(generateHeaderMatch) }),
    ...(query.length === 0 ? {} : { queryParameters: query.map(({ name, match }) => ({ name, ...textMatch(match) })) }),
  };
}

/** Generates the path condition of a route's match. */
export const pathMatch = (path: RouteMatch['path']): NonNullable<RouteJson['match']> => ({
  ...(path.type === 'exact' ? { path: path.value } : {}),
  ...(path.type === 'prefix' ? { prefix: path.value } : {}),
  ...(path.type === 'regex' ? { safeRegex: { regex: path.value } } : {}),
  ...(path.ignoreCase && path.type !== 'regex' ? { caseSensitive: false } : {}),
});

/**
 * Generates a header condition. An inverted one also holds for a missing header, which Envoy must be configured for.
 */
const generateHeaderMatch = ({ name, match, inverted }: HeaderMatch) => ({
  name,
  ...textMatch(match),
  ...(inverted ? { invertMatch: true } : {}),
  ...(inverted && match.type !== 'present' ? { treatMissingHeaderAsEmpty: true } : {}),
});

/** Generates the fields of a text matcher. */
export function textMatch(match: TextMatch): { presentMatch?: boolean; stringMatch?: StringMatcherJson } {
  return match.type === 'present' ? { presentMatch: true } : { stringMatch: stringMatcher(match) };
}

/** Generates a matcher of a text that is not empty. */
export function stringMatcher(match: Exclude<TextMatch, { type: 'present' }>): StringMatcherJson {
  if (match.type === 'regex') return { safeRegex: { regex: match.value } };
  return match.type === 'exact' ? { exact: match.value } : { prefix: match.value };
}

function generateHeaderChanges(headers: HeaderChanges | null) {
  if (headers === null) return {};
  const { request, response } = headers;
  return {
    ...unlessEmpty('requestHeadersToAdd', headerOptions(request)),
    ...unlessEmpty('requestHeadersToRemove', [...request.remove]),
    ...unlessEmpty('responseHeadersToAdd', headerOptions(response)),
    ...unlessEmpty('responseHeadersToRemove', [...response.remove]),
  };
}

const headerOptions = ({ set, add }: HeaderChanges['request']): HeaderOptionJson[] => [
  ...set.map(([key, value]) => ({ header: { key, value }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' as const })),
  ...add.map(([key, value]) => ({ header: { key, value }, appendAction: 'APPEND_IF_EXISTS_OR_ADD' as const })),
];

const unlessEmpty = <Name extends string, T>(name: Name, list: T[]): { [K in Name]?: T[] } =>
  list.length === 0 ? {} : ({ [name]: list } as { [K in Name]?: T[] }); // a computed key widens to string
