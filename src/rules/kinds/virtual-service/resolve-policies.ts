import type { RouteFilterPlan } from '../../../plan/http-filters.ts';
import type { ForwardAction, RetryPlan } from '../../../plan/route.ts';
import { type CorsPlan, corsFilter, type FaultPlan, faultFilter } from '../../../plan/route-filters.ts';
import { durationMs } from '../../duration.ts';
import type { RoutedSpec } from './delegates.ts';
import type { HttpRouteSpec } from './http-schema.ts';
import { grpcStatuses } from './policy-schema.ts';
import type { RouteContext } from './route-context.ts';

/** Retries only what is safe: requests that no endpoint has begun to answer. */
export const defaultRetries: RetryPlan = {
  retryOn: 'connect-failure,refused-stream,unavailable,cancelled',
  statusCodes: [],
  attempts: 2,
  perTryTimeoutMs: null,
  backoffMs: null,
  avoidPreviousHosts: true,
  avoidPreviousLocalities: false,
};

/** Returns null for no retries. */
export function resolveRetries(spec: NonNullable<HttpRouteSpec['retries']>): RetryPlan | null {
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
    avoidPreviousLocalities: spec.retryRemoteLocalities ?? false,
  };
}

export function resolveMirrors({ spec, parts }: RoutedSpec, context: RouteContext): ForwardAction['mirrors'] {
  const { mirror, mirrors = [], mirrorPercentage, mirrorPercent = spec.mirror_percent ?? 100 } = spec;
  const single = mirror === undefined ? [] : [{ destination: mirror, at: parts.mirror, percentage: mirrorPercentage }];
  const several = mirrors.map(({ destination, percentage }, index) => {
    const { rule, path } = parts.mirrors;
    return { destination, at: { rule, path: `${path}.mirrors[${index}].destination` }, percentage };
  });
  const all = [
    ...single.map((it) => ({
      ...it,
      percent: it.percentage === undefined ? mirrorPercent : (it.percentage.value ?? 0),
    })),
    ...several.map((it) => ({ ...it, percent: it.percentage === undefined ? 100 : (it.percentage.value ?? 0) })),
  ];
  return all
    .map(({ destination, at, percent }) => ({ destination: context.destinationName(destination, at), percent }))
    .filter(({ percent }) => percent > 0);
}

/** Resolves the settings of filters for a route. */
export function resolveRouteFilters({ fault, corsPolicy }: HttpRouteSpec): readonly RouteFilterPlan[] {
  const faults = fault === undefined ? null : resolveFault(fault);
  return [
    ...(faults === null ? [] : [faultFilter.onRoute(faults)]),
    ...(corsPolicy === undefined ? [] : [corsFilter.onRoute(resolveCors(corsPolicy))]),
  ];
}

type FaultSpec = NonNullable<HttpRouteSpec['fault']>;

/** Returns null if no request fails. */
function resolveFault(spec: FaultSpec): FaultPlan | null {
  const [delay, abort] = [resolveDelay(spec.delay), resolveAbort(spec.abort)];
  return delay === null && abort === null ? null : { delay, abort };
}

function resolveDelay(spec: FaultSpec['delay']): FaultPlan['delay'] {
  if (spec?.fixedDelay === undefined) return null;
  const percent = spec.percentage === undefined ? (spec.percent ?? 0) : (spec.percentage.value ?? 0);
  return percent === 0 ? null : { delayMs: durationMs(spec.fixedDelay), percent };
}

function resolveAbort(spec: FaultSpec['abort']): FaultPlan['abort'] {
  const percent = spec?.percentage?.value ?? 0;
  if (spec === undefined || percent === 0) return null;
  if (spec.httpStatus !== undefined) return { type: 'http', status: spec.httpStatus, percent };
  return { type: 'grpc', status: grpcStatuses.indexOf(spec.grpcStatus ?? ''), percent };
}

function resolveCors(spec: NonNullable<HttpRouteSpec['corsPolicy']>): CorsPlan {
  const { allowOrigins, allowOrigin = [] } = spec;
  return {
    origins:
      allowOrigins === undefined
        ? allowOrigin.map((value) => ({ type: 'exact', value }))
        : allowOrigins.map(resolveOrigin),
    methods: spec.allowMethods ?? [],
    headers: spec.allowHeaders ?? [],
    exposedHeaders: spec.exposeHeaders ?? [],
    maxAgeSeconds: spec.maxAge === undefined ? null : durationMs(spec.maxAge) / 1_000,
    allowsCredentials: spec.allowCredentials ?? null,
    forwardsOthers: spec.unmatchedPreflights !== 'IGNORE',
  };
}

type OriginSpec = NonNullable<NonNullable<HttpRouteSpec['corsPolicy']>['allowOrigins']>[number];

/** The schema requires a text. */
function resolveOrigin({ exact, prefix, regex }: OriginSpec): CorsPlan['origins'][number] {
  if (regex !== undefined) return { type: 'regex', value: regex };
  return prefix !== undefined ? { type: 'prefix', value: prefix } : { type: 'exact', value: exact ?? '' };
}
