import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { didYouMean } from '../../lib/nearest.ts';
import type { RuleKind } from '../../rules/rule.ts';
import { apiVersionsOf } from '../../rules/validation/validate.ts';
import { yamlTypes } from '../body.ts';
import type { HttpRoutes } from '../server.ts';
import { failure, StatusError } from '../status.ts';
import { noteRefusals } from './audit-hook.ts';
import { protobufType } from './body/kubernetes-protobuf.ts';
import { mediaType } from './body/read-body.ts';
import type { ApiContext } from './context.ts';
import { auditHandler } from './handlers/audit.ts';
import { backupHandlers } from './handlers/backup.ts';
import { batchHandler } from './handlers/batch.ts';
import { listHandlers } from './handlers/lists.ts';
import { objectHandlers } from './handlers/objects.ts';
import { versionHandlers } from './handlers/versions.ts';
import { namespacedStore } from './objects/namespaces.ts';
import { isNamespaceKind, presentationOf, type RulesApiOptions } from './options.ts';
import { createPages } from './pages.ts';
import { applyPatchTypes, jsonPatchType, mergePatchType, strategicPatchType } from './patches/patch.ts';
import { createWatches } from './watch/watch.ts';

export type { RulesApiOptions } from './options.ts';

/**
 * The rules API, with Kubernetes' paths and conventions, from the list of kinds:
 * `/apis/{group}/{version}/[namespaces/{namespace}/]{plural}[/{name}]`, `/api/v1/…` for the core group; and what goes
 * beyond Kubernetes, under `/rules/v1`. It serves the store's objects.
 */
export function rulesApi(options: RulesApiOptions): HttpRoutes {
  return (server) => {
    readBodiesAsBytes(server);
    const store = namespacedStore(options.store, options);
    const statuses = options.statuses ?? { subscribe: () => () => {} };
    const watches = createWatches({ store, statuses, clock: options.clock });
    server.addHook('preClose', async () => watches.close());
    const context = { ...options, store, watches, pages: createPages(options.clock) };
    noteRefusals(server, context);

    for (const kind of options.kinds) {
      for (const apiVersion of apiVersionsOf(kind)) serveKind(server, context, { kind, apiVersion });
    }
    serveEverything(server, context);
    for (const url of ['/apis/*', '/api/*']) {
      server.all(url, async (request) => {
        throw new StatusError(failure('NotFound', unknownPath(request.url, options.kinds)));
      });
    }
  };
}

/** How a body is read depends on the route, and big ones take long: it is the handlers' business. */
function readBodiesAsBytes(server: FastifyInstance): void {
  const jsonTypes = ['application/json', mergePatchType, jsonPatchType, strategicPatchType];
  const types = [...jsonTypes, ...applyPatchTypes, ...yamlTypes, protobufType];
  server.removeContentTypeParser(['application/json', ...yamlTypes]);
  server.addContentTypeParser(types, { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => body);
  server.addHook('preHandler', async (request) => {
    const type = mediaType(request);
    if (request.method === 'PATCH' || ['application/json', protobufType, ...yamlTypes].includes(type)) return;
    if (request.body === undefined || request.body === null) return;
    throw new StatusError(failure('UnsupportedMediaType', `send application/json or application/yaml, not ${type}`));
  });
}

function serveKind(
  server: FastifyInstance,
  shared: ApiContext,
  { kind, apiVersion }: { readonly kind: RuleKind; readonly apiVersion: string },
): void {
  const context = { ...shared, kind, apiVersion, as: presentationOf(kind, apiVersion, shared) };
  const [objects, lists, versions] = [objectHandlers(context), listHandlers(context), versionHandlers(context)];
  const base = `${kind.group === '' ? '/api' : '/apis'}/${apiVersion}`;
  const isCluster = kind.scope === 'cluster';
  const list = `${base}/${isCluster ? '' : 'namespaces/:namespace/'}${kind.plural}`;
  const object = `${list}/:name`;
  const add = (url: string, handlers: Handlers) => addRoutes(server, { url, handlers, kind: kind.kind });

  // Kubernetes deletes namespaces one by one as well.
  const removeAll: Handlers = isNamespaceKind(kind) ? {} : { DELETE: ['deletecollection', lists.removeAll] };
  add(list, { GET: [null, lists.list], POST: ['create', objects.create], ...removeAll });
  if (!isCluster) add(`${base}/${kind.plural}`, { GET: [null, lists.list] });
  add(object, {
    GET: [null, objects.get],
    PUT: ['update', objects.replace],
    PATCH: ['patch', objects.patch],
    DELETE: ['delete', objects.remove],
  });
  add(`${object}/status`, { GET: [null, objects.get] });
  add(`${object}/history`, { GET: [null, versions.history] });
  add(`${object}/rollback`, { POST: ['rollback', versions.rollback] });
}

function serveEverything(server: FastifyInstance, context: ApiContext): void {
  const backup = backupHandlers(context);
  const add = (path: string, handlers: Handlers, bodyLimit?: number) =>
    addRoutes(server, {
      url: `/rules/v1/${path}`,
      handlers,
      kind: '',
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
    });
  add('batch', { POST: ['batch', batchHandler(context)] });
  add('export', { GET: [null, backup.exportAll] });
  add('import', { POST: ['import', backup.importAll] }, importLimitBytes);
  add('audit', { GET: [null, auditHandler(context)] });
}

/** Everything at once, as it is one transaction: some hundred thousand rules. */
const importLimitBytes = 128 * 1024 * 1024;

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** With what the audit trail calls it; null for what changes nothing. */
type Handlers = Partial<Readonly<Record<Method, readonly [verb: string | null, handler: Handler]>>>;

const usualVerbs: Readonly<Record<Method, string | null>> = {
  GET: null,
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

interface Route {
  readonly url: string;
  readonly handlers: Handlers;
  /** For the audit trail. */
  readonly kind: string;
  /** Where it is another than the server's. */
  readonly bodyLimit?: number;
}

/** Serves a URL; methods that it does not have are refused with those that it has. */
function addRoutes(server: FastifyInstance, { url, handlers, kind, ...limit }: Route): void {
  const allowed = Object.keys(handlers).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const refuse: Handler = async (request, reply) => {
    reply.header('allow', allowed.join(', '));
    const why = url.endsWith('/status')
      ? 'status is computed and cannot be written'
      : `${request.method} is not possible here`;
    throw new StatusError(failure('MethodNotAllowed', `${why}; possible are ${allowed.join(', ')}`));
  };
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    const [verb, handler] = handlers[method] ?? [usualVerbs[method], refuse];
    server.route({ method, url, handler, config: { verb, kind }, ...limit });
  }
}

function unknownPath(url: string, kinds: readonly RuleKind[]): string {
  const words = url.slice(0, 1_000).split(/[/?]/);
  const plurals = kinds.map((kind) => kind.plural);
  const near = words.map((word) => didYouMean(word, plurals)).find((text) => text !== '') ?? '';
  const known = kinds.map(
    ({ plural, group, versions }) => `${plural} of ${group === '' ? '' : `${group}/`}${versions.join('|')}`,
  );
  return `no rules are served at ${url.slice(0, 200)}${words.some((word) => plurals.includes(word)) ? '' : near}; there are ${known.join(', ')}`;
}
