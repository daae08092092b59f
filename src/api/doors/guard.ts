import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Asked, Caller, DoorReason, Verdict } from '../../model/access.ts';
import { failure, StatusError, type StatusReason } from '../status.ts';
import { needOf } from './needs.ts';

/** What this room needs of security: who may come in, and who that is. */
export interface Doors {
  admit(asked: Asked): Verdict;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until the request is let in, and for one that is not. */
    caller: Caller | null;
  }
}

/** Asks `doors` about every request, before its body is read. It is the only place that does. */
export function guard(server: FastifyInstance, doors: Doors): void {
  server.decorateRequest('caller', null);
  server.addHook('onRequest', async (request) => {
    const verdict = doors.admit(askedBy(request));
    if (verdict.type === 'refused') throw new StatusError(failure(statusReasons[verdict.reason], verdict.message));
    request.caller = verdict.caller;
  });
}

function askedBy(request: FastifyRequest): Asked {
  const { method, url, headers, ip: remote } = request;
  return { need: needOf(request), method, url, headers, remote };
}

const statusReasons: Readonly<Record<DoorReason, StatusReason>> = {
  host: 'Forbidden',
  origin: 'Forbidden',
  'content-type': 'UnsupportedMediaType',
};
