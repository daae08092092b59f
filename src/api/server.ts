import { type FastifyError, type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { parseJson, parseYaml, yamlTypes } from './body.ts';
import { failure, type Status, StatusError } from './status.ts';

/** Part of the HTTP interface: adds its routes to the server it is given. */
export type HttpRoutes = (server: FastifyInstance) => void | Promise<void>;

export interface HttpServerOptions {
  readonly log: Logger;
  /** In the order in which they are added; each may add parsers and hooks of its own without touching the others. */
  readonly routes: readonly HttpRoutes[];
}

const bodyLimitBytes = 10 * 1024 * 1024;

/**
 * The HTTP server, not yet listening. Every error is a Kubernetes `Status` as JSON, whichever part it comes from.
 * Bodies are JSON or YAML.
 */
export function createHttpServer({ log, routes }: HttpServerOptions): FastifyInstance {
  const server = fastify({ logger: false, bodyLimit: bodyLimitBytes, forceCloseConnections: 'idle' });
  server.removeContentTypeParser(['application/json', 'text/plain']);
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => parseJson(body),
  );
  server.addContentTypeParser(yamlTypes, { parseAs: 'string' }, async (_request: FastifyRequest, body: string) =>
    parseYaml(body),
  );

  server.setErrorHandler((error: FastifyError, request, reply) => {
    const status = statusOf(error);
    const facts = { method: request.method, url: request.url, code: status.code, err: error };
    if (status.code >= 500) log.error(facts, 'request failed');
    return reply.code(status.code).send(status);
  });
  server.setNotFoundHandler((request, reply) => {
    const message = `nothing is served at ${request.method} ${request.url}; GET / lists what there is`;
    return reply.code(404).send(failure('NotFound', message));
  });
  server.addHook('onResponse', async (request, reply) => {
    const { method, url, ip } = request;
    log.debug({ method, url, code: reply.statusCode, ms: Math.round(reply.elapsedTime), ip }, 'request answered');
  });
  for (const add of routes) {
    server.register(async (scope) => add(scope));
  }
  return server;
}

function statusOf(error: FastifyError): Status {
  if (error instanceof StatusError) return error.status;
  if (error instanceof MeshError && error.code === 'STORE_UNAVAILABLE') {
    return failure('ServiceUnavailable', error.message);
  }
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return failure('UnsupportedMediaType', `send application/json or application/yaml: ${error.message}`);
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return failure('RequestEntityTooLarge', `a request body may have ${bodyLimitBytes} bytes at most`);
    default:
      if (error.statusCode !== undefined && error.statusCode < 500) return failure('BadRequest', error.message);
      return failure('InternalError', 'a fault of the server; its log says more');
  }
}
