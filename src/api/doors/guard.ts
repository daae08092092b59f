import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Asked, Caller, DoorReason, Need, Verdict } from '../../model/access.ts';
import { failure, StatusError, type StatusReason } from '../status.ts';
import { needOf } from './needs.ts';

/** What this room needs of security: who may come in, and who that is. */
export interface Doors {
  /** `socket` may have a certificate. */
  admit(asked: Asked, socket: Socket): Verdict;
  /** Calls `listener` when other verdicts are possible. */
  onChange(listener: () => void): void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null for a request of somebody who proved nothing and was not let in. */
    caller: Caller | null;
  }
}

/**
 * Asks `doors` about every request, before its body is read. It is the only place that does; what a body names is asked
 * for with `demand`. Answers that go on (watches) are cut off when their caller may not have them any more.
 */
export function guard(server: FastifyInstance, doors: Doors): void {
  const open = new Map<FastifyRequest, FastifyReply>();
  server.decorateRequest('caller', null);
  server.addHook('onRequest', async (request, reply) => {
    const verdict = doors.admit(askedBy(request), request.raw.socket);
    request.caller = verdict.caller;
    if (verdict.type === 'refused') throw refusal(reply, verdict);
    open.set(request, reply);
    reply.raw.once('close', () => open.delete(request));
  });
  doors.onChange(() => {
    for (const [request, reply] of open) {
      if (doors.admit(askedBy(request), request.raw.socket).type === 'refused') reply.raw.destroy();
    }
  });
}

/** Throws where the sender of a request may not have what its body asks for. */
export function demand(request: FastifyRequest, need: Need): void {
  const message = request.caller === null ? 'nobody knows who asks' : request.caller.whyNot(need);
  if (message !== null) throw new StatusError(failure('Forbidden', message));
}

function askedBy(request: FastifyRequest): Asked {
  const { method, url, headers, ip: remote } = request;
  return { need: needOf(request), method, url, headers, remote };
}

function refusal(
  reply: FastifyReply,
  { reason, message }: { readonly reason: DoorReason; readonly message: string },
): StatusError {
  if (reason === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="binnacle"');
  return new StatusError(failure(statusReasons[reason], message));
}

const statusReasons: Readonly<Record<DoorReason, StatusReason>> = {
  host: 'Forbidden',
  origin: 'Forbidden',
  'content-type': 'UnsupportedMediaType',
  unauthenticated: 'Unauthorized',
  forbidden: 'Forbidden',
};
