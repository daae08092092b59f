import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Smallest body worth compressing. Kubernetes uses the same limit. */
export const gzipFromBytes = 128 * 1024;

/**
 * Sends a body in pieces, compressed if it is big and the client accepts gzip. A small body is sent in one write with
 * its length. zlib compresses in its own threads. Pieces are requested only as fast as the client reads, so a generator
 * that pauses between pieces blocks neither the event loop nor memory. The caller sets the content type.
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
  if (!isGzipAccepted(request.headers['accept-encoding'])) return reply.send(body);

  reply.header('content-encoding', 'gzip');
  // A client that disconnects ends `packed`, which ends `body`. An error in `body` aborts the answer.
  const packed = pipeline(body, createGzip({ level: 1 }), () => {});
  return reply.send(packed);
}

/** Reports whether an `Accept-Encoding` header lists gzip without refusing it (`gzip;q=0`). */
export function isGzipAccepted(header: string | string[] | undefined): boolean {
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
