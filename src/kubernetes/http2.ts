import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { PassThrough, pipeline } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import type { Wire, WireRequest, WireResponse } from './wire.ts';

export interface Http2Options {
  readonly clock: Clock;
  /** Interval of pings on a connection, in milliseconds. */
  readonly pingMs: number;
  /** Time in which a ping must be answered; otherwise the connection counts as lost. */
  readonly pongMs: number;
}

/** One HTTP/2 connection. */
export interface Http2Wire extends Wire {
  /** Reports whether exchanges may still begin: not after GOAWAY. */
  isOpen(): boolean;
  /** Reports whether another exchange stays within the server's limit. */
  hasRoom(): boolean;
  /** Reports whether it was used and all its exchanges have ended. */
  isIdle(): boolean;
}

/** A watch receives what one busy kind sends in a second without waiting for a window update. */
const streamWindowBytes = 1_048_576;
/** Go's own limit, before the server has told its. */
const streamLimit = 100;
const connectionWindowBytes = 16 * 1_048_576;

/**
 * Speaks HTTP/2 over a connected socket. Pings find a peer that hangs or vanished without closing: all exchanges then
 * fail at once. The client of Kubernetes itself does the same: https://github.com/kubernetes/kubernetes/pull/95981
 */
export function http2Wire(server: string, socket: Socket, options: Http2Options): Http2Wire {
  const { clock, pingMs, pongMs } = options;
  const session = http2.connect(server, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: streamWindowBytes },
  });
  let streams = 0;
  let isUsed = false;
  let isRetired = false;
  let cancelPing = () => {};
  let cancelPong = () => {};

  session.once('connect', () => session.setLocalWindowSize(connectionWindowBytes));
  session.on('goaway', retire);
  session.on('error', () => {}); // each stream reports it
  session.once('close', () => {
    isRetired = true;
    cancelPing();
    cancelPong();
  });
  pingLater();

  function pingLater(): void {
    cancelPing = clock.after(pingMs, ping);
  }

  function ping(): void {
    if (session.destroyed) return;
    cancelPong = clock.after(pongMs, () => session.destroy(new Error(`did not answer a ping within ${pongMs} ms`)));
    session.ping((error) => {
      cancelPong();
      if (error === null && !session.destroyed) pingLater();
    });
  }

  function retire(): void {
    isRetired = true;
    if (streams === 0) session.close();
  }

  function ended(): void {
    streams -= 1;
    if (isRetired && streams === 0) session.close();
  }

  function send(request: WireRequest): Promise<WireResponse> {
    const stream = begin(session, request);
    isUsed = true;
    streams += 1;
    stream.once('close', ended);
    return responseOf(stream);
  }

  return {
    send,
    isOpen: () => !isRetired && !session.closed && !session.destroyed,
    hasRoom: () => streams < Math.min(session.remoteSettings?.maxConcurrentStreams ?? streamLimit, streamLimit),
    isIdle: () => isUsed && streams === 0,
    retire,
    close: () => session.destroy(),
    isDone: () => session.destroyed,
  };
}

function begin(session: ClientHttp2Session, { method, path, headers, body, signal }: WireRequest): ClientHttp2Stream {
  const head = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
  const stream = session.request({ ':method': method, ':path': path, ...head }, { endStream: body === null, signal });
  if (body !== null) stream.end(body);
  return stream;
}

function responseOf(stream: ClientHttp2Stream): Promise<WireResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<WireResponse>();
  stream.once('response', (headers) => {
    // Read at once: Node discards what nobody reads when the stream closes.
    const body = pipeline(stream, new PassThrough(), () => {}); // the reader of the body sees the error
    resolve({ status: headers[':status'] ?? 0, retryAfter: headers['retry-after'] ?? null, body });
  });
  stream.on('error', reject);
  stream.once('close', () => reject(new Error('the connection was closed')));
  return promise;
}
