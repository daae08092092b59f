import type { FastifyReply, FastifyRequest } from 'fastify';
import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import { sendPieces } from './gzip.ts';
import { joinChunks } from './join-chunks.ts';
import type { HttpRoutes } from './server.ts';
import { ApiError, failure } from './status.ts';
import { createTurns, type Turn } from './turns.ts';

/** Discovery endpoint as this room needs it; src/push/discovery/rest.ts implements it. */
export interface FetchEndpoint {
  readonly path: string;
  /** Answers a request. `signal` aborts when the client is gone. */
  answer(body: unknown, signal: AbortSignal): Promise<FetchAnswer>;
}

type FetchAnswer =
  | { readonly type: 'resources'; readonly pieces: Iterable<string> }
  | { readonly type: 'unchanged' }
  | { readonly type: 'invalid' | 'unready'; readonly message: string };

export interface FetchLimits {
  /** Maximum number of requests being answered or read at a time. */
  readonly maxAtOnce: number;
  /** Time limit of one request, including the time to read its answer. */
  readonly timeoutMs: number;
}

export const fetchLimits: FetchLimits = { maxAtOnce: 1_000, timeoutMs: 60_000 };

/**
 * Serves `POST /v3/discovery:…`: xDS for clients that poll (`api_type: REST`). 304 means that the client has the
 * current version.
 */
export function fetchRoutes(endpoints: readonly FetchEndpoint[], clock: Clock, limits = fetchLimits): HttpRoutes {
  let open = 0;
  const turn = createTurns();
  return (server) => {
    for (const { path, answer } of endpoints) {
      const url = path.replaceAll(':', '::'); // a single colon would start a parameter
      server.post(url, { bodyLimit: bodyLimitBytes }, async (request, reply) => {
        if (open >= limits.maxAtOnce) throw tooMany(reply, limits);
        open++;
        const left = new AbortController();
        const cancel = clock.after(limits.timeoutMs, () => reply.raw.destroy());
        reply.raw.once('close', () => {
          open--;
          cancel();
          left.abort();
        });
        return respond({ request, reply, turn }, await answer(request.body, left.signal));
      });
    }
  };
}

/** Limit of a request body. Envoy sends about a hundredth of it. */
const bodyLimitBytes = 1 << 20;

function tooMany(reply: FastifyReply, { maxAtOnce }: FetchLimits): ApiError {
  reply.header('retry-after', '10');
  const message = `${maxAtOnce} discovery requests are being answered, and there may be no more: poll less often, or use gRPC streams`;
  return new ApiError(failure('TooManyRequests', message));
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly turn: Turn;
}

async function respond({ request, reply, turn }: Exchange, answer: FetchAnswer): Promise<FastifyReply> {
  switch (answer.type) {
    case 'resources':
      reply.type('application/json; charset=utf-8');
      return sendPieces(request, reply, joinChunks(answer.pieces, turn));
    case 'unchanged':
      return reply.code(304).send();
    case 'invalid':
      throw new ApiError(failure('BadRequest', answer.message));
    case 'unready':
      throw new ApiError(failure('ServiceUnavailable', answer.message));
    default:
      return assertNever(answer);
  }
}
