import type { ServerHttp2Stream } from 'node:http2';
import type { Metadata, Method } from './call.ts';
import type { Connection } from './connection.ts';
import { judgeRequest } from './request.ts';
import { refuseStream, ServerStream } from './server-stream.ts';
import { openUnary } from './unary.ts';

const callOf = Symbol('call');

/**
 * The call is kept on its stream, so that all streams share one set of listeners: a stream that waits costs no closures
 * of ours.
 */
type CallStream = ServerHttp2Stream & { [callOf]: ServerStream };

/** What a new HTTP/2 stream is accepted with. */
export interface Acceptance {
  readonly connection: Connection;
  /** By path. */
  readonly methods: ReadonlyMap<string, Method>;
}

/** Answers a new HTTP/2 stream: a call of one of the methods, or a refusal. */
export function acceptStream(stream: ServerHttp2Stream, metadata: Metadata, { connection, methods }: Acceptance): void {
  stream.on('error', ignore);
  if (stream.destroyed || stream.closed) return; // reset by the client before we heard of it
  const verdict = judgeRequest(metadata, methods);
  if (verdict.type === 'refuse') {
    refuseStream(stream, verdict.headers);
    return;
  }
  const { method, encoding, timeoutMs } = verdict;
  const call = new ServerStream(stream, connection, { method: method.path, metadata, encoding, timeoutMs });
  listen(Object.assign(stream, { [callOf]: call }));
  if (method.type === 'unary') {
    call.start(() => openUnary(method, call, (error) => call.fail(error)));
  } else {
    call.start(() => method.open(call));
    call.sendHeaders();
  }
}

/** Node calls these with the stream as `this`, later than in this turn: the call is open by then. */
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

/** An error of a stream is always followed by 'close', which is what the reader hears. */
function ignore(): void {}
