import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Result } from '../lib/result.ts';
import { joinChunks } from './join-chunks.ts';
import type { HttpRoutes } from './server.ts';
import { ApiError, failure } from './status.ts';

/** Debug view as this room needs it; src/telemetry/debug implements the views. */
export interface ServedView {
  readonly path: string;
  read(query: QueryTexts): ViewAnswer;
  /** Answers a POST; absent for views that only read. */
  act?(query: QueryTexts): ViewAnswer;
}

type QueryTexts = Readonly<Record<string, string | undefined>>;
type ViewAnswer = Result<Iterable<string>, { readonly status: 400 | 404; readonly message: string }>;

/** Serves `/debug/…` in pieces, and the list of all views, the first of them, at `/debug`. */
export function debugRoutes(views: readonly ServedView[]): HttpRoutes {
  return (server) => {
    const send = (answer: ViewAnswer, reply: FastifyReply) => {
      if (!answer.ok) {
        throw new ApiError(failure(answer.error.status === 404 ? 'NotFound' : 'BadRequest', answer.error.message));
      }
      reply.type('application/json; charset=utf-8');
      return reply.send(Readable.from(joinChunks(answer.value, nextTurn), { objectMode: false }));
    };
    const queryOf = (request: FastifyRequest) => request.query as Record<string, string>; // fastify's parser builds a map
    const serve = (path: string, view: ServedView) => {
      server.get(path, async (request, reply) => send(view.read(queryOf(request)), reply));
      const act = view.act?.bind(view);
      if (act !== undefined) server.post(path, async (request, reply) => send(act(queryOf(request)), reply));
    };
    for (const view of views) serve(view.path, view);
    if (views[0] !== undefined) serve('/debug', views[0]);
  };
}
