import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AdapterHttp, AdapterRoute, Lines, NotedChange } from '../adapter-contract/http.ts';
import { MeshError } from '../lib/errors.ts';
import type { AuditEntry } from '../rules/store.ts';
import { demand } from './access/guard.ts';
import { authorship } from './rules/request-facts.ts';
import { errorStatus, type HttpRoutes } from './server.ts';
import { ApiError } from './status.ts';

/** Audit trail: records who changed what. */
export interface AuditTrail {
  note(entry: AuditEntry): Promise<void>;
  readonly clock: { now(): number };
}

/** Routes of adapters. If two adapters have the same route, the first one's is served. */
export function adapterRoutes(offers: readonly AdapterHttp[], trail: AuditTrail): readonly HttpRoutes[] {
  const taken = new Set<string>();
  return offers.map(({ routes, describeError }) => {
    const own = routes.filter(({ method, path }) => !taken.has(`${method} ${path}`));
    for (const { method, path } of own) taken.add(`${method} ${path}`);
    return (server: FastifyInstance) => {
      server.setErrorHandler((error: Error, _request, reply) => {
        if (!isForTheCaller(error)) throw error; // the server answers all other errors
        const { code, message = '' } = errorStatus(error);
        return reply.code(code).send(describeError(message));
      });
      for (const route of own) addRoute(server, route, trail);
    };
  });
}

const isForTheCaller = (error: Error): boolean =>
  error instanceof ApiError || (error instanceof MeshError && error.code === 'STORE_UNAVAILABLE');

function addRoute(server: FastifyInstance, { method, path, need, answer }: AdapterRoute, trail: AuditTrail): void {
  server.route<{ Params: Record<string, string>; Querystring: Record<string, unknown> }>({
    method,
    url: path,
    config: { need },
    handler: async (request, reply) => {
      const answered = await answer({
        params: request.params,
        query: request.query,
        body: request.body,
        demand: (asked) => demand(request, asked),
        note: (change) => void trail.note(entryOf(request, change, trail.clock.now())), // never rejects
      });
      if (answered.type === 'lines') return sendLines(reply, answered.begin);
      if (answered.type === 'nothing') return reply.code(204).send();
      return reply.code(answered.status).send(answered.body);
    },
  });
}

function entryOf(request: FastifyRequest, change: NotedChange, atMs: number): AuditEntry {
  const { author, request: facts } = authorship(request, false);
  const { remote = '', userAgent = '' } = facts ?? {};
  const time = new Date(atMs).toISOString();
  return { ...change, time, author, remote, userAgent, code: 200, message: null, resourceVersion: null };
}

/** Limit of unread bytes. A slower client is disconnected. */
const maxBehindBytes = 1_048_576;

function sendLines(reply: FastifyReply, begin: (lines: Lines) => void): FastifyReply {
  reply.hijack(); // without this, fastify waits for the answer to end
  const { raw } = reply;
  const gone = new AbortController();
  raw.on('close', () => gone.abort());
  raw.on('error', () => gone.abort());
  if (raw.destroyed) gone.abort();
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  let hasBegun = false; // the first lines may exceed the limit
  begin({
    write(line) {
      if (gone.signal.aborted) return;
      raw.write(`${line}\n`);
      if (!hasBegun || raw.writableLength <= maxBehindBytes) return;
      gone.abort();
      raw.destroy();
    },
    gone: gone.signal,
  });
  hasBegun = true;
  return reply;
}
