import { request } from 'node:https';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { ClientTls } from './credentials.ts';

interface TlsFetchOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly body?: string;
}

/**
 * Works as `fetch`, with a private CA or a client certificate, which Node's `fetch` does not support. Redirects are not
 * followed.
 */
export function tlsFetch(
  url: string,
  { method, headers, signal, body }: TlsFetchOptions,
  { ca, cert, key }: ClientTls,
): Promise<Response> {
  const tls = { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, signal, ...tls }, (incoming) => {
      const status = incoming.statusCode ?? 0;
      const pairs = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      // Node's types of the two streams differ, but they are the same class.
      const stream = Readable.toWeb(incoming) as ReadableStream<Uint8Array> as unknown as ConstructorParameters<
        typeof Response
      >[0];
      resolve(new Response([204, 205, 304].includes(status) ? null : stream, { status, headers: pairs }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
