import { Readable } from 'node:stream';
import type { Result } from '../lib/result.ts';
import type { HttpRoutes } from './server.ts';
import { failure, StatusError } from './status.ts';

/** What this room needs of a debug view (src/telemetry/debug has them). */
export interface ServedView {
  readonly path: string;
  read(
    query: Readonly<Record<string, string | undefined>>,
  ): Result<Iterable<string>, { readonly status: 400 | 404; readonly message: string }>;
}

/** `/debug/…`, a piece at a time, and `/debug` itself, which is the first of the views: their list. */
export function debugRoutes(views: readonly ServedView[]): HttpRoutes {
  return (server) => {
    const serve = (path: string, view: ServedView) =>
      server.get(path, async (request, reply) => {
        const answer = view.read(request.query as Record<string, string>); // fastify's own parser makes it
        if (!answer.ok) {
          throw new StatusError(failure(answer.error.status === 404 ? 'NotFound' : 'BadRequest', answer.error.message));
        }
        reply.type('application/json; charset=utf-8');
        return reply.send(Readable.from(inTurns(answer.value), { objectMode: false }));
      });
    for (const view of views) serve(view.path, view);
    if (views[0] !== undefined) serve('/debug', views[0]);
  };
}

/** Joins small pieces, and lets other work run between the joined ones. */
async function* inTurns(chunks: Iterable<string>): AsyncGenerator<string> {
  let waiting = '';
  for (const chunk of chunks) {
    waiting += chunk;
    if (waiting.length < pieceLength) continue;
    yield waiting;
    waiting = '';
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (waiting !== '') yield waiting;
}

const pieceLength = 64 << 10;
