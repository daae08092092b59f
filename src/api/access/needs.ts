import type { FastifyRequest } from 'fastify';
import type { AdapterRoute, RouteParams } from '../../adapter-contract/http.ts';
import type { Need } from '../../model/access.ts';

interface RouteNeed {
  /** Matches the URL pattern of a route. */
  readonly route: RegExp;
  readonly need: (request: FastifyRequest) => Need;
}

/**
 * Permissions by route. The first matching row applies; other routes need the permission of `/debug`. Routes of adapters
 * declare their own.
 */
const routeNeeds: readonly RouteNeed[] = [
  { route: /^\/(healthz|readyz)$/, need: () => ({ type: 'nothing' }) },
  { route: /^\/v3\/discovery:/, need: () => ({ type: 'discover' }) },
  { route: /^\/(version|openapi\/|api(\/[^/:*]+)?$|apis(\/[^/:*]+){0,2}$)/, need: () => ({ type: 'describe' }) },
  { route: /^\/apis?\//, need: objects },
  { route: /^\/rules\/v1\/import$/, need: () => ({ type: 'admin' }) },
  { route: /^\/rules\/v1\//, need: (request) => (isRead(request) ? { type: 'read' } : writing(null)) },
];

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Permission that a route of an adapter needs; no row applies to it. */
    readonly need?: AdapterRoute['need'];
  }
}

/** Returns the permission that a request needs, by its route. */
export function needOf(request: FastifyRequest): Need {
  const { need } = request.routeOptions.config;
  if (need !== undefined) return need(request.params as RouteParams); // texts by the names in the route
  const route = request.routeOptions.url ?? ''; // empty if no route matches
  const row = routeNeeds.find((one) => one.route.test(route));
  if (row !== undefined) return row.need(request);
  return isRead(request) ? { type: 'read' } : { type: 'admin' };
}

/** Returns the permission for objects; those whose URL has no namespace are cluster-scoped. */
function objects(request: FastifyRequest): Need {
  return isRead(request) ? { type: 'read' } : writing(namespaceParameter(request) ?? '');
}

const writing = (namespace: string | null): Need => ({ type: 'write-rules', namespace });

const isRead = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

const namespaceParameter = (request: FastifyRequest): string | undefined =>
  (request.params as { namespace?: string }).namespace; // routes in the table name it so
