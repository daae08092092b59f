import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { type AccessCheck, guard } from './access/guard.ts';
import { parseJson, parseYaml, yamlTypes } from './body.ts';
import { ApiError, type ApiStatus, failure } from './status.ts';

/** Group of routes: adds them to the given server. */
export type HttpRoutes = (server: FastifyInstance) => void | Promise<void>;

export type HttpTls = Pick<
  TlsOptions,
  'cert' | 'key' | 'ca' | 'minVersion' | 'secureOptions' | 'requestCert' | 'rejectUnauthorized'
>;

export interface HttpServerOptions {
  readonly log: Logger;
  readonly accessCheck: AccessCheck;
  /** Certificates; null or absent for plain HTTP. */
  readonly tls?: HttpTls | null;
  /** Groups of routes, added in this order. Each may add its own parsers and hooks without affecting the others. */
  readonly routes: readonly HttpRoutes[];
}

const bodyLimitBytes = 10 * 1024 * 1024;

/** Limit of a URL parameter: a name has at most 253 characters, each of which may take three when encoded. */
const maxParamLength = 3 * 253;

/** Value of `Retry-After` when an external failure prevents an answer. */
const retryAfterSeconds = 1;

/**
 * Creates the HTTP server without listening. Every error is answered as a Kubernetes `Status` in JSON. Bodies are JSON
 * or YAML.
 */
export function createHttpServer({ log, accessCheck, tls = null, routes }: HttpServerOptions): FastifyInstance {
  const server: FastifyInstance = fastify({
    ...(tls === null ? {} : { https: tls as object }), // equal for all users of the instance
    logger: false,
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength },
    // Errors of URLs that cannot be parsed, before a route is known.
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      const status = errorStatus(error);
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
    const status = errorStatus(error, request.routeOptions.bodyLimit);
    const facts = { method: request.method, url: request.url, code: status.code, err: error };
    if (status.code >= 500) log.error(facts, 'request failed');
    if (status.code === 503) reply.header('retry-after', retryAfterSeconds);
    return reply.code(status.code).send(status);
  });
  server.setNotFoundHandler((request, reply) => {
    const message = `nothing is served at ${request.method} ${request.url}; GET / lists the paths`;
    return reply.code(404).send(failure('NotFound', message));
  });
  guard(server, accessCheck);
  server.addHook('onResponse', async (request, reply) => {
    const { method, url, ip } = request;
    log.debug({ method, url, code: reply.statusCode, ms: Math.round(reply.elapsedTime), ip }, 'request answered');
  });
  for (const add of routes) {
    server.register(async (scope) => add(scope));
  }
  return server;
}

/** Translates an error into the status that is sent. `bodyLimit` is the limit of the route, in bytes. */
export function errorStatus(error: Error & Partial<FastifyError>, bodyLimit = bodyLimitBytes): ApiStatus {
  if (error instanceof ApiError) return error.status;
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
      return failure('InternalError', 'internal error; the server log has details');
  }
}

/** Answers input that is not HTTP, or whose URL and headers exceed the 16 KiB that Node accepts. */
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
