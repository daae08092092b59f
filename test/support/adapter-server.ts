import type { FastifyInstance } from 'fastify';
import type { Adapter } from '../../src/adapter-contract/adapter.ts';
import { type AuditTrail, adapterRoutes } from '../../src/api/adapter-routes.ts';
import type { Doors } from '../../src/api/doors/guard.ts';
import { createHttpServer } from '../../src/api/server.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { openDoors } from './open-doors.ts';

/** The HTTP interface with the routes of these adapters and nothing else, not listening. */
export function adapterServer(
  adapters: readonly Pick<Adapter, 'http'>[],
  { trail, doors = openDoors }: { readonly trail?: AuditTrail; readonly doors?: Doors } = {},
): FastifyInstance {
  const offers = adapters.flatMap(({ http }) => http ?? []);
  const nobody = { note: async () => {}, clock: systemClock };
  return createHttpServer({ log: silentLogger, doors, routes: adapterRoutes(offers, trail ?? nobody) });
}
