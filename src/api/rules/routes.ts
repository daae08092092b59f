import type { FastifyInstance, FastifyRequest } from 'fastify';
import { yamlTypes } from '../body.ts';
import type { HttpRoutes } from '../server.ts';
import { ApiError, failure } from '../status.ts';
import { noteRefusals } from './audit-hook.ts';
import { protobufType } from './body/kubernetes-protobuf.ts';
import { mediaType } from './body/read-body.ts';
import type { ApiContext } from './context.ts';
import { auditHandler } from './handlers/audit.ts';
import { backupHandlers } from './handlers/backup.ts';
import { batchHandler, batchVerb } from './handlers/batch.ts';
import { createAdapterObjects, withAdapterObjects } from './objects/adapter-objects.ts';
import { namespacedStore } from './objects/namespaces.ts';
import type { RulesApiOptions } from './options.ts';
import { createPages } from './pages.ts';
import { applyPatchTypes, jsonPatchType, mergePatchType, strategicPatchType } from './patches/patch.ts';
import { routeFacts } from './request-facts.ts';
import { type HttpHandlers, serveUrl } from './serve.ts';
import { serveKinds, unknownPath } from './serve-kinds.ts';
import { createWatches } from './watch/watch.ts';

export type { RulesApiOptions } from './options.ts';

/**
 * Routes of the rules API, with Kubernetes' paths and conventions, derived from the list of kinds:
 * `/apis/{group}/{version}/[namespaces/{namespace}/]{plural}[/{name}]`, and `/api/v1/…` for the core group. Extensions
 * to Kubernetes are under `/rules/v1`. The routes serve the objects of the store.
 */
export function rulesApi(options: RulesApiOptions): HttpRoutes {
  return (server) => {
    readBodiesAsBytes(server);
    const adapterObjects = createAdapterObjects(options.book, options.kinds);
    const store = namespacedStore(withAdapterObjects(options.store, adapterObjects), options);
    const statuses = options.statuses ?? { subscribe: () => () => {} };
    const watches = createWatches({ store, adapterObjects, statuses, clock: options.clock });
    server.addHook('preClose', async () => watches.close());
    const context = { ...options, store, own: options.store, watches, pages: createPages(options.clock) };
    noteRefusals(server, context);
    refuseWritesUntilKnown(server, options);

    serveKinds(server, context, options.kinds);
    serveEverything(server, context);
    for (const url of ['/apis/*', '/api/*']) {
      server.all(url, async (request) => {
        throw new ApiError(unknownPath(request.url, options.kinds));
      });
    }
  };
}

/** Rejects writes until all adapters have reported, because a file may define the name that is written. */
function refuseWritesUntilKnown(server: FastifyInstance, { awaited }: Pick<RulesApiOptions, 'awaited'>): void {
  server.addHook('preHandler', async (request) => {
    if (routeFacts(request).verb === null) return;
    const names = awaited();
    if (names.length === 0) return;
    const message = `nothing was done: ${names.join(', ')} has not answered since the start, and may define the same names; try again`;
    throw new ApiError(failure('ServiceUnavailable', message, { retryAfterSeconds: 1 }));
  });
}

/** Leaves bodies unparsed. Handlers parse them: the format depends on the route, and big bodies take long. */
function readBodiesAsBytes(server: FastifyInstance): void {
  const jsonTypes = ['application/json', mergePatchType, jsonPatchType, strategicPatchType];
  const types = [...jsonTypes, ...applyPatchTypes, ...yamlTypes, protobufType];
  server.removeContentTypeParser(['application/json', ...yamlTypes]);
  server.addContentTypeParser(types, { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => body);
  server.addHook('preHandler', async (request) => {
    const type = mediaType(request);
    if (request.method === 'PATCH' || ['application/json', protobufType, ...yamlTypes].includes(type)) return;
    if (request.body === undefined || request.body === null) return;
    throw new ApiError(failure('UnsupportedMediaType', `send application/json or application/yaml, not ${type}`));
  });
}

function serveEverything(server: FastifyInstance, context: ApiContext): void {
  const backup = backupHandlers(context);
  const add = (path: string, handlers: HttpHandlers, bodyLimit?: number) =>
    serveUrl(server, {
      url: `/rules/v1/${path}`,
      answers: () => ({ kind: '', handlers }),
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
    });
  add('batch', { POST: [batchVerb, batchHandler(context)] });
  add('export', { GET: [null, backup.exportAll] });
  add('import', { POST: ['import', backup.importAll] }, importLimitBytes);
  add('audit', { GET: [null, auditHandler(context)] });
}

/** Limit of an import, which is one transaction: some hundred thousand rules. */
const importLimitBytes = 128 * 1024 * 1024;
