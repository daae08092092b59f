import type { FastifyInstance } from 'fastify';
import type { Adapter } from '../../src/adapter-contract/adapter.ts';
import type { AccessCheck } from '../../src/api/access/guard.ts';
import { type AuditTrail, adapterRoutes } from '../../src/api/adapter-routes.ts';
import { createHttpServer } from '../../src/api/server.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { allowAll } from './allow-all.ts';

/** Creates the HTTP interface with the routes of these adapters and nothing else, not listening. */
export function adapterServer(
  adapters: readonly Pick<Adapter, 'http'>[],
  { trail, accessCheck = allowAll }: { readonly trail?: AuditTrail; readonly accessCheck?: AccessCheck } = {},
): FastifyInstance {
  const offers = adapters.flatMap(({ http }) => http ?? []);
  const nobody = { note: async () => {}, clock: systemClock };
  return createHttpServer({ log: silentLogger, accessCheck, routes: adapterRoutes(offers, trail ?? nobody) });
}
