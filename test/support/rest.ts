import { fetchRoutes } from '../../src/api/fetch.ts';
import { createHttpServer } from '../../src/api/server.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import type { Coordinator } from '../../src/push/coordinator.ts';
import { restEndpoints } from '../../src/push/discovery/rest.ts';
import { sidecarId } from './ads-client.ts';
import { allowAll } from './allow-all.ts';

export interface RestServerOptions {
  readonly coordinator: Coordinator;
  readonly log?: Logger;
  readonly awaited?: () => readonly string[];
  readonly pause?: () => Promise<void>;
  readonly elapsed?: () => number;
  readonly clock?: Parameters<typeof fetchRoutes>[1];
  readonly limits?: Parameters<typeof fetchRoutes>[2];
}

/** Creates the HTTP server with discovery only, for injected requests or for listening. */
export function restServer(options: RestServerOptions) {
  const endpoints = restEndpoints({
    log: silentLogger,
    awaited: () => [],
    domainSuffix: 'cluster.local',
    pause: () => new Promise((done) => setImmediate(done)),
    elapsed: () => performance.now(),
    ...options,
  });
  return createHttpServer({
    log: silentLogger,
    accessCheck: allowAll,
    routes: [fetchRoutes(endpoints, options.clock ?? systemClock, options.limits)],
  });
}

/** A DiscoveryRequest as Envoy writes it, for `inject` or `send`. */
export const discovery = (plural: string, request: object = {}) => ({
  method: 'POST' as const,
  url: `/v3/discovery:${plural}`,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ node: { id: sidecarId() }, ...request }),
});
