import { adapterRoutes } from '../api/adapter-routes.ts';
import { debugRoutes } from '../api/debug.ts';
import { fetchRoutes } from '../api/fetch.ts';
import { health, type IndexEntry } from '../api/health.ts';
import { metricsRoute } from '../api/metrics.ts';
import { profileEntries, profileRoutes } from '../api/profiles.ts';
import { discoveryRoutes } from '../api/rules/discovery/discovery.ts';
import { openapiRoutes } from '../api/rules/discovery/openapi.ts';
import { rulesApi } from '../api/rules/routes.ts';
import type { HttpRoutes } from '../api/server.ts';
import { restEndpoints } from '../push/discovery/rest.ts';
import { ruleKinds, servedKinds } from '../rules/kinds/index.ts';
import { messagesOn } from '../rules/pending.ts';
import { debugViews } from '../telemetry/debug/views.ts';
import { discoveryOptions, type Parts, pause, type ServeContext, turns } from './parts.ts';

/** Returns all routes of the HTTP server. */
export function httpRoutes(parts: Parts, context: ServeContext): readonly HttpRoutes[] {
  const { registry, adapters, store, book, compiler, serviceEntries, findings, coordinator, statuses, awaited } = parts;
  const { version, clock } = context;
  const described = { kinds: servedKinds, version };
  const problems = () => messagesOn(book.rules(), ruleKinds, [compiler.problems(), serviceEntries.problems()]);
  const polling = { ...discoveryOptions(parts, context), pause, elapsed: turns.elapsed };
  const http = adapters.flatMap(({ adapter }) => adapter.http ?? []);
  const adapterViews = http
    .flatMap(({ routes }) => routes)
    .flatMap(({ path, about }) => (about === undefined ? [] : [{ path, about }]));
  return [
    health({
      awaited: parts.firstCompile.awaited,
      troubles: () => [...registry.troubles(), ...parts.storeTroubles()],
      index,
    }),
    discoveryRoutes(described),
    openapiRoutes(described),
    rulesApi({ kinds: servedKinds, store, book, unresolved: findings.unresolved, awaited, statuses, clock }),
    ...adapterRoutes(http, { note: store.note, clock }),
    fetchRoutes(restEndpoints(polling), clock),
    debugRoutes(
      debugViews({
        registry,
        book,
        coordinator,
        compiler,
        problems,
        findings: findings.of,
        others: [...adapterViews, ...profileEntries],
      }),
    ),
    profileRoutes(),
    metricsRoute(() => parts.metrics.text()),
  ];
}

const index: readonly IndexEntry[] = [
  {
    path: '/apis/networking.istio.io/v1/namespaces/default/virtualservices',
    about: 'rules: GET, POST, PUT, PATCH, DELETE',
  },
  { path: '/registry/v1/namespaces/default/services', about: 'services that register themselves' },
  { path: '/v3/discovery:clusters', about: 'xDS for clients that poll: POST; also :endpoints, :listeners, :routes' },
  { path: '/debug', about: 'debug views' },
  { path: '/metrics', about: 'metrics for Prometheus' },
];
