import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Result } from '../lib/result.ts';
import { joinChunks } from './join-chunks.ts';
import type { HttpRoutes } from './server.ts';
import { ApiError, failure } from './status.ts';

/** Debug view as this room needs it; src/telemetry/debug implements the views. */
export interface ServedView {
  readonly path: string;
  read(
    query: Readonly<Record<string, string | undefined>>,
  ): Result<Iterable<string>, { readonly status: 400 | 404; readonly message: string }>;
}

/** Serves `/debug/…` in pieces, and the list of all views, the first of them, at `/debug`. */
export function debugRoutes(views: readonly ServedView[]): HttpRoutes {
  return (server) => {
    const serve = (path: string, view: ServedView) =>
      server.get(path, async (request, reply) => {
        const answer = view.read(request.query as Record<string, string>); // fastify's parser builds a map
        if (!answer.ok) {
          throw new ApiError(failure(answer.error.status === 404 ? 'NotFound' : 'BadRequest', answer.error.message));
        }
        reply.type('application/json; charset=utf-8');
        return reply.send(Readable.from(joinChunks(answer.value, nextTurn), { objectMode: false }));
      });
    for (const view of views) serve(view.path, view);
    if (views[0] !== undefined) serve('/debug', views[0]);
  };
}
