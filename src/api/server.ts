import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { parseJson, parseYaml, yamlTypes } from './body.ts';
import { type Doors, guard } from './doors/guard.ts';
import { failure, type Status, StatusError } from './status.ts';

/** Part of the HTTP interface: adds its routes to the server it is given. */
export type HttpRoutes = (server: FastifyInstance) => void | Promise<void>;

export type HttpTls = Pick<
  TlsOptions,
  'cert' | 'key' | 'ca' | 'minVersion' | 'secureOptions' | 'requestCert' | 'rejectUnauthorized'
>;

export interface HttpServerOptions {
  readonly log: Logger;
  readonly doors: Doors;
  /** Null, or left out: plain HTTP. */
  readonly tls?: HttpTls | null;
  /** In the order in which they are added; each may add parsers and hooks of its own without touching the others. */
  readonly routes: readonly HttpRoutes[];
}

const bodyLimitBytes = 10 * 1024 * 1024;

/** Names have 253 characters at most; in a URL each may take three. */
const maxParamLength = 3 * 253;

/** When a client may try again what the outside world prevented. */
const retryAfterSeconds = 1;

/**
 * The HTTP server, not yet listening. Every error is a Kubernetes `Status` as JSON, whichever part it comes from.
 * Bodies are JSON or YAML.
 */
export function createHttpServer({ log, doors, tls = null, routes }: HttpServerOptions): FastifyInstance {
  const server: FastifyInstance = fastify({
    ...(tls === null ? {} : { https: tls as object }), // used alike: the type of the instance need not say which it is
    logger: false,
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength },
    // Of a URL that cannot be read, before there is a route.
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      const status = statusOf(error);
      reply.code(status.code).send(status);
    },
    clientErrorHandler: refuseMalformed,
  });
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
    const status = statusOf(error, request.routeOptions.bodyLimit);
    const facts = { method: request.method, url: request.url, code: status.code, err: error };
    if (status.code >= 500) log.error(facts, 'request failed');
    if (status.code === 503) reply.header('retry-after', retryAfterSeconds);
    return reply.code(status.code).send(status);
  });
  server.setNotFoundHandler((request, reply) => {
    const message = `nothing is served at ${request.method} ${request.url}; GET / lists what there is`;
    return reply.code(404).send(failure('NotFound', message));
  });
  guard(server, doors);
  server.addHook('onResponse', async (request, reply) => {
    const { method, url, ip } = request;
    log.debug({ method, url, code: reply.statusCode, ms: Math.round(reply.elapsedTime), ip }, 'request answered');
  });
  for (const add of routes) {
    server.register(async (scope) => add(scope));
  }
  return server;
}

/** What an error means for who asked; `bodyLimit` is that of the route, in bytes. */
export function statusOf(error: FastifyError, bodyLimit = bodyLimitBytes): Status {
  if (error instanceof StatusError) return error.status;
  if (error instanceof MeshError && error.code === 'STORE_UNAVAILABLE') {
    return failure('ServiceUnavailable', error.message);
  }
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return failure('UnsupportedMediaType', `send application/json or application/yaml: ${error.message}`);
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return failure('RequestEntityTooLarge', `a request body may have ${bodyLimit} bytes at most here`);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return failure('BadRequest', 'the body is shorter or longer than its Content-Length says');
    default:
      if (error.statusCode !== undefined && error.statusCode < 500) return failure('BadRequest', error.message);
      return failure('InternalError', 'a fault of the server; its log says more');
  }
}

/** Answers what is no HTTP request, or has a URL and headers of more than 16 KiB, which node refuses to read. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const status = isTooLong
    ? failure('BadRequest', 'the URL and the headers of a request may have 16 KiB at most')
    : failure('BadRequest', `this is no HTTP/1.1 request: ${error.message}`);
  const body = JSON.stringify(status);
  const head = ['HTTP/1.1 400 Bad Request', `Content-Length: ${Buffer.byteLength(body)}`];
  socket.end([...head, 'Content-Type: application/json', 'Connection: close', '', body].join('\r\n'));
}
