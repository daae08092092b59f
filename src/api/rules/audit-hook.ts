import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorStatus } from '../server.ts';
import type { ApiStatus } from '../status.ts';
import type { ApiContext } from './context.ts';
import { isDryRunByOptions } from './objects/delete-options.ts';
import { authorship, routeFacts } from './request-facts.ts';

/**
 * Records every rejected change of an authenticated caller in the audit trail. Unauthenticated requests are not
 * recorded: a flood of them would displace the other entries. The store records successful changes with the change
 * itself.
 */
export function noteRefusals(server: FastifyInstance, { store, clock }: Pick<ApiContext, 'store' | 'clock'>): void {
  server.addHook('onError', async (request, _reply, error) => {
    const { verb, kind } = routeFacts(request);
    if (request.caller === null || verb === null || isDryRunRequest(request)) return;
    const { code, message = '', details } = errorStatus(error);
    const { author, request: facts } = authorship(request, false);
    if (facts === null || facts === undefined) return;
    const { namespace = '', name = '' } = request.params as { namespace?: string; name?: string }; // of routes.ts
    await store.note({
      ...facts,
      time: new Date(clock.now()).toISOString(),
      author,
      kind,
      namespace,
      name: name === '' ? nameIn(details) : name,
      code,
      message,
      resourceVersion: null,
    });
  });
}

/** Detects dry runs, which change nothing. */
const isDryRunRequest = (request: FastifyRequest): boolean => {
  const { dryRun } = request.query as { dryRun?: unknown }; // fastify's parser builds a map
  return dryRun === 'All' || isDryRunByOptions(request);
};

const nameIn = (details: ApiStatus['details']): string => details?.name ?? '';
