import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';

/** TLS of requests to a URL of `https`. */
export interface RequestTls {
  /** CAs of the servers; absent for those of the system. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Name in the servers' certificates; absent for that of the URL. */
  readonly servername?: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Body, as a form. */
  readonly form?: URLSearchParams;
  readonly tls: RequestTls;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Largest answer: far more than a page of names. */
const maxBytes = 64 * 1_048_576;

/** Sends a request to the HTTP interface of a server. Rejects if there is no answer. */
export function sendHttp(url: string, { method, form, tls, signal }: HttpRequest): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const body = form?.toString() ?? '';
  const headers = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  const options = { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, signal };
  const sent = url.startsWith('https:')
    ? requestSecure(url, { ...options, ...tls, agent: false })
    : requestPlain(url, { ...options, agent: false });
  sent.on('error', reject);
  sent.on('response', (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('error', reject);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) response.destroy(new Error('its answer is too large'));
      else chunks.push(chunk);
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
  });
  sent.end(body);
  return promise;
}
