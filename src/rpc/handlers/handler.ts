import type { CallFacts, ResponseHead, StreamingMethod } from '../call.ts';
import type { ResponseMetadata } from '../metadata.ts';

/** What a handler may know of its call, and do besides answering. */
export interface HandlerCall extends CallFacts {
  /** Aborts when nobody waits for an answer any more: cancelled, past its deadline, connection lost. */
  readonly signal: AbortSignal;
  /**
   * Sends the response headers now. Once they are sent, and they are before the first message, this does nothing. With
   * `encoding: 'gzip'` messages of 1 KiB and more are compressed, if the client reads that.
   */
  sendHeaders(head: ResponseHead): void;
  /** Metadata to go with the status OK. Any other status brings its own, in the StatusError. */
  setTrailers(metadata: ResponseMetadata): void;
}

/*
 * A handler ends its call with OK by returning, with another status by throwing a StatusError. A stream of answers is
 * asked for the next one when there is room for it, and asked no more when nobody waits; what it awaits itself must end
 * with the signal. A stream of requests holds the client back while nobody takes them, and throws when the call ends early.
 */

interface Handler {
  readonly path: string;
  /** Compress as with `sendHeaders({ encoding: 'gzip' })`. */
  readonly compress?: boolean;
}

export interface UnaryMethod extends Handler {
  readonly type: 'unary';
  handle(request: Uint8Array, call: HandlerCall): Promise<Uint8Array>;
}

export interface ServerStreamingMethod extends Handler {
  readonly type: 'server-streaming';
  handle(request: Uint8Array, call: HandlerCall): AsyncIterable<Uint8Array>;
}

export interface ClientStreamingMethod extends Handler {
  readonly type: 'client-streaming';
  handle(requests: AsyncIterable<Uint8Array>, call: HandlerCall): Promise<Uint8Array>;
}

export interface BidiStreamingMethod extends Handler {
  readonly type: 'bidi-streaming';
  handle(requests: AsyncIterable<Uint8Array>, call: HandlerCall): AsyncIterable<Uint8Array>;
}

export type HandlerMethod = UnaryMethod | ServerStreamingMethod | ClientStreamingMethod | BidiStreamingMethod;

export type Method = StreamingMethod | HandlerMethod;
