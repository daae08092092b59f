import type { ServerHttp2Stream } from 'node:http2';
import type { Connection } from './connection.ts';
import type { Method } from './handlers/handler.ts';
import { serveHandler } from './handlers/serve-handler.ts';
import type { CutOff } from './observer.ts';
import { judgeRequest, trailersOnly } from './request.ts';
import type { Metadata } from './request-metadata.ts';
import { refuseStream, ServerStream } from './server-stream.ts';

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
  const { method, encoding, acceptsGzip, timeoutMs } = verdict;
  const refusal = connection.callOpened();
  if (refusal !== null) {
    connection.surroundings.observer.cutOff(refusal);
    connection.surroundings.observer.ended('RESOURCE_EXHAUSTED');
    refuseStream(stream, trailersOnly({ code: 'RESOURCE_EXHAUSTED', message: refusals[refusal] ?? refusal }));
    return;
  }
  const awaits = method.type === 'unary' || method.type === 'server-streaming' ? 'end' : 'message';
  const facts = { method: method.path, metadata, encoding, acceptsGzip, timeoutMs, awaits } as const;
  const call = new ServerStream(stream, connection, facts);
  listen(Object.assign(stream, { [callOf]: call }));
  if (method.type === 'streaming') {
    call.start(() => method.open(call));
    call.sendHeaders(); // without waiting for a message: a client sees that it is served
  } else {
    call.start(() => serveHandler(method, call, (error) => call.fail(error)));
  }
}

/** What is told to clients over a limit. */
const refusals: Partial<Record<CutOff, string>> = {
  'call-flood': 'too many new calls from this address: try again later',
  'too-many-calls': 'too many open calls, of this address or of all',
};

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
