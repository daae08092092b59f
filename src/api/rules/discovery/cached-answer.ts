import type { FastifyReply, FastifyRequest } from 'fastify';
import { contentHash } from '../../../lib/hash.ts';
import { sendPieces } from '../../gzip.ts';

/** Answer that stays equal for the lifetime of the process. */
export interface CachedAnswer {
  readonly text: string;
  /** Hash of the text. */
  readonly hash: string;
}

export function cachedAnswer(value: unknown): CachedAnswer {
  const text = JSON.stringify(value);
  return { text, hash: contentHash(text) };
}

/**
 * Sends the answer, or a 304 if the client has it. A client that gives the hash in the URL may cache the answer
 * indefinitely; others revalidate each time.
 */
export async function sendCached(
  request: FastifyRequest,
  reply: FastifyReply,
  { answer, type }: { readonly answer: CachedAnswer; readonly type: string },
): Promise<FastifyReply> {
  const etag = `"${answer.hash}"`;
  const { hash } = request.query as Readonly<Record<string, unknown>>; // fastify's parser builds a map
  reply.header('etag', etag);
  reply.header('cache-control', hash === answer.hash ? 'public, max-age=31536000, immutable' : 'no-cache, private');
  const known = String(request.headers['if-none-match'] ?? '').split(',');
  if (known.some((one) => one.trim().replace(/^W\//, '') === etag)) return reply.code(304).send();
  reply.type(type);
  return sendPieces(request, reply, [answer.text]);
}
