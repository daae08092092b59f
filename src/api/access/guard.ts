import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessRequest, AccessVerdict, HttpCaller, Need, RefusalReason } from '../../model/access.ts';
import { ApiError, failure, type StatusReason } from '../status.ts';
import { needOf } from './needs.ts';

/** Access decisions as this room needs them: identity and permission. */
export interface AccessCheck {
  /** Decides on a request. `socket` may carry a client certificate. */
  admit(asked: AccessRequest, socket: Socket): AccessVerdict;
  /** Calls `listener` when earlier verdicts may have changed. */
  onChange(listener: () => void): void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Caller of the request; null if it is not authenticated and was rejected. */
    caller: HttpCaller | null;
  }
}

/**
 * Asks `accessCheck` about every request before its body is read. No other code does, except `demand` for objects that a body
 * names. Long-running answers (watches) are closed when their caller loses permission.
 */
export function guard(server: FastifyInstance, accessCheck: AccessCheck): void {
  const open = new Map<FastifyRequest, FastifyReply>();
  server.decorateRequest('caller', null);
  server.addHook('onRequest', async (request, reply) => {
    const verdict = accessCheck.admit(askedBy(request), request.raw.socket);
    request.caller = verdict.caller;
    if (verdict.type === 'refused') throw refusal(reply, verdict);
    open.set(request, reply);
    reply.raw.once('close', () => open.delete(request));
  });
  accessCheck.onChange(() => {
    for (const [request, reply] of open) {
      if (accessCheck.admit(askedBy(request), request.raw.socket).type === 'refused') reply.raw.destroy();
    }
  });
}

/** Throws if the sender of a request lacks a permission that its body requires. */
export function demand(request: FastifyRequest, need: Need): void {
  const message = request.caller === null ? 'the request is not authenticated' : request.caller.reasonAgainst(need);
  if (message !== null) throw new ApiError(failure('Forbidden', message));
}

function askedBy(request: FastifyRequest): AccessRequest {
  const { method, url, headers, ip: remote } = request;
  return { need: needOf(request), method, url, headers, remote };
}

function refusal(
  reply: FastifyReply,
  { reason, message }: { readonly reason: RefusalReason; readonly message: string },
): ApiError {
  if (reason === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="binnacle"');
  return new ApiError(failure(statusReasons[reason], message));
}

const statusReasons: Readonly<Record<RefusalReason, StatusReason>> = {
  host: 'Forbidden',
  origin: 'Forbidden',
  'content-type': 'UnsupportedMediaType',
  unauthenticated: 'Unauthorized',
  forbidden: 'Forbidden',
};
