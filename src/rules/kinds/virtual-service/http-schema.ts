import { z } from 'zod';
import { countSet, duration, orNull, percent, wholePercent } from '../../fields.ts';
import { directResponse, redirect } from './answer-schema.ts';
import { destination, weight } from './destination-schema.ts';
import { headers, isAuthority } from './headers-schema.ts';
import { httpMatch } from './match-schema.ts';
import { corsPolicy, fault, mirror, retries, rewrite } from './policy-schema.ts';

const weightedDestination = z.strictObject({
  destination: destination.describe('destination of requests'),
  weight: weight.optional().describe('share, relative to the other destinations of the route'),
  headers: headers.optional().describe('changes of headers for this destination only'),
});

const delegate = z.strictObject({
  name: z.string().min(1, 'must name a VirtualService').optional().describe('name of a VirtualService without hosts'),
  namespace: z.string().optional().describe('its namespace; the namespace of this object if left out'),
});

const mirrorPercent = orNull(wholePercent).describe('older form of mirrorPercentage');

/** One HTTP route: conditions, and exactly one of route, redirect, directResponse and delegate. */
export const httpRoute = z
  .strictObject({
    name: z.string().optional().describe('name for logs and statistics'),
    match: z.array(httpMatch).optional().describe('conditions, of which one must hold; every request if left out'),
    route: z.array(weightedDestination).min(1).optional().describe('destinations that share the requests by weight'),
    redirect: redirect.optional().describe('redirects the client to another URL'),
    directResponse: directResponse.optional().describe('an answer that the proxy gives without an upstream'),
    delegate: delegate.optional().describe('another VirtualService that routes these requests'),
    rewrite: rewrite.optional().describe('changes of path and host before forwarding'),
    timeout: duration.optional().describe('timeout for the whole request with all retries; 0s or left out for none'),
    retries: retries.optional().describe('requests to retry; connection failures twice if left out'),
    fault: fault.optional().describe('injected failures'),
    mirror: destination.optional().describe('destination of copies of requests'),
    mirrors: z.array(mirror).optional().describe('several destinations of copies of requests'),
    mirrorPercent,
    mirror_percent: mirrorPercent,
    mirrorPercentage: percent.optional().describe('share of requests that are copied to mirror; all if left out'),
    corsPolicy: corsPolicy.optional().describe('permissions for browsers of other origins'),
    headers: headers.optional().describe('changes of headers'),
  })
  .superRefine((route, context) => {
    for (const { path, message } of conflictsOf(route)) context.addIssue({ code: 'custom', path: [...path], message });
  });

export type HttpRouteSpec = z.infer<typeof httpRoute>;

interface Conflict {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function conflictsOf(route: HttpRouteSpec): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const { redirect, directResponse, delegate } = route;
  const actions = countSet({ route: route.route, redirect, directResponse, delegate });
  if (actions !== 1) {
    const message = 'exactly one of route, redirect, directResponse and delegate must be set';
    conflicts.push({ path: actions === 0 ? ['route'] : [], message });
  }
  const answered = redirect !== undefined || directResponse !== undefined;
  if (route.rewrite !== undefined && answered) {
    conflicts.push({ path: ['rewrite'], message: 'only a route or a delegate may rewrite' });
  }
  if (route.rewrite?.authority !== undefined && setsHost(route)) {
    conflicts.push({ path: ['rewrite', 'authority'], message: 'only one of it and headers may set the host' });
  }
  if (route.fault !== undefined && redirect !== undefined) {
    conflicts.push({ path: ['fault'], message: 'a redirect has no faults' });
  }
  if (route.mirror !== undefined && route.mirrors !== undefined) {
    conflicts.push({ path: ['mirrors'], message: 'only one of mirror and mirrors may be set' });
  }
  return conflicts;
}

const setsHost = ({ headers }: HttpRouteSpec): boolean =>
  [headers?.request?.set, headers?.request?.add].some((map) => Object.keys(map ?? {}).some(isAuthority));
