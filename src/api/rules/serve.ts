import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, failure } from '../status.ts';
import type { RouteFacts } from './request-facts.ts';

export type HttpHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
type HttpMethod = (typeof methods)[number];
/** Verb in the audit trail, or a function that reads it from the request; null for a method that changes nothing. */
type Verb = string | null | ((request: FastifyRequest) => string);
export type HttpHandlers = Partial<Readonly<Record<HttpMethod, readonly [verb: Verb, handler: HttpHandler]>>>;

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const usualVerbs: Readonly<Record<HttpMethod, string | null>> = {
  GET: null,
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

interface Route {
  readonly url: string;
  /**
   * Finds the handlers and the kind (empty if none) for a request. Throws a RpcError if the URL addresses nothing.
   */
  readonly answers: (request: FastifyRequest) => { readonly kind: string; readonly handlers: HttpHandlers };
  /** Limit of the body in bytes, if it differs from the server's. */
  readonly bodyLimit?: number;
}

/** Serves a URL. Other methods are answered with a 405 that lists the supported ones. */
export function serveUrl(server: FastifyInstance, { url, answers, ...limit }: Route): void {
  server.route({
    method: [...methods],
    url,
    handler: async (request, reply) => {
      const { handlers } = answers(request);
      const [, handler] = handlers[methodOf(request)] ?? refusal(url, handlers);
      return handler(request, reply);
    },
    config: { factsOf: (request: FastifyRequest) => factsOf(request, answers) },
    ...limit,
  });
}

function factsOf(request: FastifyRequest, answers: Route['answers']): RouteFacts {
  try {
    const { kind, handlers } = answers(request);
    const method = methodOf(request);
    const [verb] = handlers[method] ?? [usualVerbs[method]];
    return { verb: typeof verb === 'function' ? verb(request) : verb, kind };
  } catch {
    return { verb: null, kind: '' }; // there is nothing to change
  }
}

/** Returns the method of a request; fastify routes HEAD as GET. */
const methodOf = ({ method }: FastifyRequest): HttpMethod => (method === 'HEAD' ? 'GET' : (method as HttpMethod));

function refusal(url: string, handlers: HttpHandlers): readonly [null, HttpHandler] {
  const allowed = Object.keys(handlers).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const refuse: HttpHandler = async (request, reply) => {
    reply.header('allow', allowed.join(', '));
    const why = url.endsWith('/status')
      ? 'status is computed and cannot be written'
      : `${request.method} is not possible here`;
    throw new ApiError(failure('MethodNotAllowed', `${why}; possible are ${allowed.join(', ')}`));
  };
  return [null, refuse];
}
