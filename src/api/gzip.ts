import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Smaller bodies are sent as they are: the time of packing is not worth it. Kubernetes draws the same line. */
export const gzipFromBytes = 128 * 1024;

/**
 * Sends a body that comes in pieces, packed if it is big and the client takes gzip. A small one is sent at once with
 * its length. Packing is done by zlib's threads, and pieces are asked for only as fast as the client reads: a
 * generator that pauses between its pieces holds neither the event loop nor the whole body. The caller sets the type.
 */
export async function sendPieces(
  request: FastifyRequest,
  reply: FastifyReply,
  pieces: Iterable<string> | AsyncIterable<string>,
): Promise<FastifyReply> {
  reply.header('vary', 'Accept, Accept-Encoding');
  const rest = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let head = '';
  while (head.length < gzipFromBytes) {
    const next = await rest.next();
    if (next.done === true) return reply.send(head);
    head += next.value;
  }
  const body = Readable.from(continued(head, rest), { objectMode: false });
  if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(body);

  reply.header('content-encoding', 'gzip');
  // A client that goes away ends `packed`, which ends `body`; an error of the pieces breaks the answer off.
  const packed = pipeline(body, createGzip({ level: 1 }), () => {});
  return reply.send(packed);
}

/** Whether an `Accept-Encoding` header lists gzip, other than to refuse it (`gzip;q=0`). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .map((one) => one.split(';').map((part) => part.trim().toLowerCase()))
    .some(([name, quality]) => (name === 'gzip' || name === '*') && !/^q=0(\.0*)?$/.test(quality ?? ''));
}

async function* continued(head: string, rest: Iterator<string> | AsyncIterator<string>): AsyncGenerator<string> {
  try {
    yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
