import type { CallFacts, ResponseHead, StreamingMethod } from '../call.ts';
import type { ResponseMetadata } from '../metadata.ts';

/** The call of a handler: facts, and functions besides answering. */
export interface HandlerCall extends CallFacts {
  /** Aborts when the client no longer waits: cancelled, past its deadline, connection lost. */
  readonly signal: AbortSignal;
  /**
   * Sends the response headers, once. Without this call they are sent before the first message. With `encoding:
   * 'gzip'`, messages of 1 KiB and more are compressed if the client accepts it.
   */
  sendHeaders(head: ResponseHead): void;
  /** Sets metadata for the status OK. Any other status has metadata in the RpcError. */
  setTrailers(metadata: ResponseMetadata): void;
}

/*
 * A handler that returns ends its call with OK; one that throws a RpcError ends it with that status. The next answer
 * of a stream is requested when there is room for it, and not after the call has ended. A handler must stop its own
 * waiting when the signal aborts. A request stream that is not read stops the client by flow control. It throws when
 * the call ends early.
 */

interface BaseMethod {
  readonly path: string;
  /** Compresses as with `sendHeaders({ encoding: 'gzip' })`. */
  readonly compress?: boolean;
}

export interface UnaryMethod extends BaseMethod {
  readonly type: 'unary';
  handle(request: Uint8Array, call: HandlerCall): Promise<Uint8Array>;
}

export interface ServerStreamingMethod extends BaseMethod {
  readonly type: 'server-streaming';
  handle(request: Uint8Array, call: HandlerCall): AsyncIterable<Uint8Array>;
}

export interface ClientStreamingMethod extends BaseMethod {
  readonly type: 'client-streaming';
  handle(requests: AsyncIterable<Uint8Array>, call: HandlerCall): Promise<Uint8Array>;
}

export interface BidiStreamingMethod extends BaseMethod {
  readonly type: 'bidi-streaming';
  handle(requests: AsyncIterable<Uint8Array>, call: HandlerCall): AsyncIterable<Uint8Array>;
}

export type HandlerMethod = UnaryMethod | ServerStreamingMethod | ClientStreamingMethod | BidiStreamingMethod;

export type RpcMethod = StreamingMethod | HandlerMethod;
