import type { ServerHttp2Stream } from 'node:http2';
import type { Connection } from './connection.ts';
import type { RpcMethod } from './handlers/handler.ts';
import { serveHandler } from './handlers/serve-handler.ts';
import type { CutOff } from './observer.ts';
import { judgeRequest, trailersOnly } from './request.ts';
import type { RequestMetadata } from './request-metadata.ts';
import { refuseStream, ServerStream } from './server-stream.ts';

const callOf = Symbol('call');

/** Stores the call on its stream, so that all streams share one set of listeners. Idle streams need no closures. */
type CallStream = ServerHttp2Stream & { [callOf]: ServerStream };

/** Context of a new HTTP/2 stream. */
export interface AcceptOptions {
  readonly connection: Connection;
  /** Methods by path. */
  readonly methods: ReadonlyMap<string, RpcMethod>;
}

/** Handles a new HTTP/2 stream: starts a call of one of the methods, or refuses it. */
export function acceptStream(
  stream: ServerHttp2Stream,
  metadata: RequestMetadata,
  { connection, methods }: AcceptOptions,
): void {
  stream.on('error', ignore);
  if (stream.destroyed || stream.closed) return; // the client reset it before this event
  const verdict = judgeRequest(metadata, methods);
  if (verdict.type === 'refuse') {
    refuseStream(stream, verdict.headers);
    return;
  }
  const { method, encoding, acceptsGzip, timeoutMs } = verdict;
  const refusal = connection.callOpened();
  if (refusal !== null) {
    connection.context.observer.cutOff(refusal);
    connection.context.observer.ended('RESOURCE_EXHAUSTED');
    refuseStream(stream, trailersOnly({ code: 'RESOURCE_EXHAUSTED', message: refusals[refusal] ?? refusal }));
    return;
  }
  const awaits = method.type === 'unary' || method.type === 'server-streaming' ? 'end' : 'message';
  const facts = { method: method.path, metadata, encoding, acceptsGzip, timeoutMs, awaits } as const;
  const call = new ServerStream(stream, connection, facts);
  listen(Object.assign(stream, { [callOf]: call }));
  if (method.type === 'streaming') {
    call.start(() => method.open(call));
    call.sendHeaders(); // at once: the client sees that the server accepted the call
  } else {
    call.start(() => serveHandler(method, call, (error) => call.fail(error)));
  }
}

/** Messages for clients over a limit. */
const refusals: Partial<Record<CutOff, string>> = {
  'call-flood': 'too many new calls from this address: try again later',
  'too-many-calls': 'too many open calls, of this address or of all',
};

/** Node calls these with the stream as `this`, in a later turn. The call is open by then. */
function listen(stream: CallStream): void {
  stream.on('data', onData);
  stream.on('end', onEnd);
  stream.on('drain', onDrain);
  stream.on('wantTrailers', onWantTrailers);
  stream.on('close', onClose);
}

function onData(this: CallStream, chunk: Buffer): void {
  this[callOf].received(chunk);
}

function onEnd(this: CallStream): void {
  this[callOf].clientEnded();
}

function onDrain(this: CallStream): void {
  this[callOf].drained();
}

function onWantTrailers(this: CallStream): void {
  this[callOf].wantsTrailers();
}

function onClose(this: CallStream): void {
  this[callOf].closed();
}

/** Ignores errors of a stream: 'close' always follows, and reaches the reader. */
function ignore(): void {}
