import type { ExpectedMessage } from './expected-message.ts';
import type { PeerIdentity } from './identity.ts';
import type { ResponseMetadata } from './metadata.ts';
import type { RequestMetadata } from './request-metadata.ts';
import type { RpcStatus } from './status.ts';

/** Facts about a call, for its handler. */
export interface CallFacts {
  /** Path, such as `/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources`. */
  readonly method: string;
  readonly metadata: RequestMetadata;
  /** `ip:port` of the client; IPv6 in brackets. */
  readonly peer: string;
  /** Identity from the client's certificate; null in plaintext, and without a certificate. */
  readonly identity: PeerIdentity | null;
  /** True if the client accepts gzip (`grpc-accept-encoding`). */
  readonly acceptsGzip: boolean;
  /** Returns whether a line about this client may be logged. Each call of this function counts as a line. */
  mayLog(): boolean;
}

/** Response headers. */
export interface ResponseHead {
  readonly metadata?: ResponseMetadata;
  /**
   * Encoding. With `gzip`, messages may be compressed; each has a flag (`compressedFrame`). Only for a client that
   * accepts gzip.
   */
  readonly encoding?: 'identity' | 'gzip';
}

/** One streaming call, as its handler sees it. The handler may keep it. After `closed`, its functions do nothing. */
export interface ServerCall extends CallFacts {
  /** True if a write would be sent without waiting behind others. False once the call has ended. */
  readonly writable: boolean;
  /**
   * Sends the response headers, once. Without this call they are sent after `open`, or before the first message. Throws
   * a TypeError for invalid metadata.
   */
  sendHeaders(head?: ResponseHead): void;
  /**
   * Writes bytes of whole messages with their prefixes (see frame.ts), in one piece and without copying. Calls may
   * share the bytes; the caller must not change them afterwards. An open call always accepts them. `false` means: do
   * not write before `drained`, or the call has ended. A handler that keeps writing loses the call (`maxQueuedBytes`).
   */
  writeFramed(parts: readonly Uint8Array[]): boolean;
  /**
   * Counts memory that the handler holds for the client's messages. A negative number releases it; the end of the call
   * releases the rest. Throws a RpcError over the limit of the connection, its address or all clients.
   */
  reserve(bytes: number): void;
  /** Stops reading until `resume`, by flow control. Messages that have arrived are still delivered. */
  pause(): void;
  resume(): void;
  /**
   * Ends the call after the written data. No message is delivered afterwards; `closed` follows. Only the first call
   * counts.
   */
  end(status: RpcStatus): void;
}

export type CloseReason =
  /** The server ended it: the handler, a deadline, a limit or a fault. The client may not have received the status. */
  | { readonly type: 'ended'; readonly status: RpcStatus }
  /** The client reset the stream. */
  | { readonly type: 'cancelled' }
  | { readonly type: 'connection-lost'; readonly cause: string };

/**
 * Receiver of a call's events. Calls come one at a time and never from inside `open`. A throw ends the call: a
 * RpcError with its status, any other error with INTERNAL and a log line.
 */
export interface CallReader {
  /**
   * Receives one whole message, without prefix, decompressed. It may be a view of a larger buffer: copy what you keep.
   */
  message(bytes: Uint8Array): void;
  /** The client sends no more messages, but still reads. */
  halfClosed(): void;
  /** Writing is possible again after `writeFramed` returned false. */
  drained(): void;
  /** The last event, exactly once for every call. */
  closed(reason: CloseReason): void;
  /**
   * Returns the expected message, given the length of an uncompressed message that is about to arrive; or null. If the
   * result has that length, arriving bytes are compared with it and not copied. It must not change meanwhile.
   */
  expectedMessage?(length: number): ExpectedMessage | null;
  /** Receives the expected message itself, in place of `message`, when the message equals it. */
  recognised?(known: ExpectedMessage): void;
}

/**
 * Method for many long streams: messages are not allocated one by one, and calls share bytes. See handler.ts for
 * simpler kinds.
 */
export interface StreamingMethod {
  readonly type: 'streaming';
  readonly path: string;
  /**
   * A client opened a call. Ending the call in here, or throwing, sends trailers only. After a throw there is no
   * reader, and `closed` is not called.
   */
  open(call: ServerCall): CallReader;
}
