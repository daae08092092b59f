import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { didYouMean } from '../lib/nearest.ts';
import type { RuleKind } from '../rules/rule.ts';
import { parseJson } from './body.ts';
import { type RulesApiOptions, ruleHandlers } from './rule-handlers.ts';
import type { HttpRoutes } from './server.ts';
import { failure, StatusError } from './status.ts';

const mergePatchType = 'application/merge-patch+json';
const otherPatchTypes = [
  'application/json-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
];

/**
 * The rules API, with Kubernetes' paths and conventions, from the list of kinds:
 * `/apis/{group}/{version}/[namespaces/{namespace}/]{plural}[/{name}]`. It serves the store's objects.
 */
export function rulesApi(options: RulesApiOptions): HttpRoutes {
  return (server) => {
    server.addContentTypeParser(mergePatchType, { parseAs: 'string' }, async (_request: FastifyRequest, body: string) =>
      parseJson(body),
    );
    server.addContentTypeParser(otherPatchTypes, async (request: FastifyRequest) => {
      const type = request.headers['content-type'];
      const message = `${type} is not supported yet: send ${mergePatchType}, or the whole object with PUT`;
      throw new StatusError(failure('UnsupportedMediaType', message));
    });
    server.addHook('preHandler', async (request) => refuseUnsupported(request));
    for (const kind of options.kinds) {
      for (const version of kind.versions) serveKind(server, kind, version, options);
    }
    server.all('/apis/*', async (request) => {
      throw new StatusError(failure('NotFound', unknownPath(request.url, options.kinds)));
    });
  };
}

function serveKind(server: FastifyInstance, kind: RuleKind, version: string, options: RulesApiOptions): void {
  const handlers = ruleHandlers({ ...options, kind, version });
  const base = `/apis/${kind.group}/${version}`;
  const list = `${base}/namespaces/:namespace/${kind.plural}`;
  const object = `${list}/:name`;

  server.get(`${base}/${kind.plural}`, handlers.list);
  server.get(list, handlers.list);
  server.post(list, handlers.create);
  server.get(object, handlers.get);
  server.put(object, handlers.replace);
  server.patch(object, handlers.patch);
  server.delete(object, handlers.remove);

  allowOnly(server, `${base}/${kind.plural}`, ['GET', 'HEAD']);
  allowOnly(server, list, ['GET', 'HEAD', 'POST']);
  allowOnly(server, object, ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']);
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

function allowOnly(server: FastifyInstance, url: string, allowed: readonly string[]): void {
  const refuse = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('allow', allowed.join(', '));
    const message = `${request.method} is not possible here; possible are ${allowed.join(', ')}`;
    throw new StatusError(failure('MethodNotAllowed', message));
  };
  server.route({ method: methods.filter((method) => !allowed.includes(method)), url, handler: refuse });
}

/** What would change the meaning of a request must not be passed over in silence. */
async function refuseUnsupported(request: FastifyRequest): Promise<void> {
  const query = request.query as Readonly<Record<string, unknown>>; // fastify's own parser makes it
  for (const name of ['dryRun', 'watch', 'labelSelector', 'fieldSelector', 'continue']) {
    const value = query[name];
    if (value === undefined || value === '' || value === 'false' || value === '0') continue;
    throw new StatusError(failure('BadRequest', `the parameter ${name} is not supported yet; nothing was done`));
  }
}

function unknownPath(url: string, kinds: readonly RuleKind[]): string {
  const words = url.split(/[/?]/);
  const plurals = kinds.map((kind) => kind.plural);
  const near = words.map((word) => didYouMean(word, plurals)).find((text) => text !== '') ?? '';
  const known = kinds.map((kind) => `${kind.plural} of ${kind.group}/${kind.versions.join('|')}`);
  return `no rules are served at ${url}${words.some((word) => plurals.includes(word)) ? '' : near}; there are ${known.join(', ')}`;
}
