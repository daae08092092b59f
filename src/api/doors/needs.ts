import type { FastifyRequest } from 'fastify';
import type { Need } from '../../model/access.ts';

interface Row {
  /** Fits the URL of a route, as it was added. */
  readonly route: RegExp;
  readonly need: (request: FastifyRequest) => Need;
}

/** Route → what it needs. The first row that fits counts; what none fits needs what `/debug` does. */
const rows: readonly Row[] = [
  { route: /^\/(healthz|readyz)$/, need: () => ({ type: 'nothing' }) },
  { route: /^\/v3\/discovery:/, need: () => ({ type: 'discover' }) },
  { route: /^\/(version|openapi\/|api(\/[^/:*]+)?$|apis(\/[^/:*]+){0,2}$)/, need: () => ({ type: 'describe' }) },
  { route: /^\/apis?\//, need: objects },
  { route: /^\/rules\/v1\/import$/, need: () => ({ type: 'admin' }) },
  { route: /^\/rules\/v1\//, need: (request) => (isRead(request) ? { type: 'read' } : writing(null)) },
  {
    route: /^\/registry\/v1\/namespaces\/:namespace\//,
    need: (request) => {
      const namespace = namespaceOf(request) ?? '';
      return isRead(request) ? { type: 'read-registrations', namespace } : { type: 'register', namespace };
    },
  },
  { route: /^\/registry\/v1\//, need: () => ({ type: 'register', namespace: null }) },
];

/** What a request needs leave for, by the route that it was led to. */
export function needOf(request: FastifyRequest): Need {
  const route = request.routeOptions.url ?? ''; // empty where nothing is served
  const row = rows.find((one) => one.route.test(route));
  if (row !== undefined) return row.need(request);
  return isRead(request) ? { type: 'read' } : { type: 'admin' };
}

/** Objects whose URL names no namespace are the cluster's. */
function objects(request: FastifyRequest): Need {
  return isRead(request) ? { type: 'read' } : writing(namespaceOf(request) ?? '');
}

const writing = (namespace: string | null): Need => ({ type: 'write-rules', namespace });

const isRead = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

const namespaceOf = (request: FastifyRequest): string | undefined =>
  (request.params as { namespace?: string }).namespace; // of the routes above
