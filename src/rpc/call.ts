import type { Candidate } from './candidate.ts';
import type { PeerIdentity } from './identity.ts';
import type { ResponseMetadata } from './metadata.ts';
import type { Metadata } from './request-metadata.ts';
import type { Status } from './status.ts';

/** What a handler may know of the call that it serves. */
export interface CallFacts {
  /** Such as `/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources`. */
  readonly method: string;
  readonly metadata: Metadata;
  /** `ip:port` of the other end of the connection; IPv6 in brackets. */
  readonly peer: string;
  /** Who the client has proved to be by its certificate; null in plaintext, and when it gave none. */
  readonly identity: PeerIdentity | null;
  /** Whether the client reads gzip (`grpc-accept-encoding`). */
  readonly acceptsGzip: boolean;
  /** Whether a line may be logged for what this client does: asked, and counted, for each. */
  mayLog(): boolean;
}

/** What stands in front of the first message. */
export interface ResponseHead {
  readonly metadata?: ResponseMetadata;
  /** `gzip`: messages may be compressed, each with its own flag (`compressedFrame`). Only for a client that accepts it. */
  readonly encoding?: 'identity' | 'gzip';
}

/** One streaming call, as its handler sees it. It may be kept and used until `closed`, and harmlessly after it. */
export interface ServerCall extends CallFacts {
  /** Whether a write would be taken without waiting behind others. False for good once the call has ended. */
  readonly writable: boolean;
  /**
   * Sends the response headers; once they are sent, this does nothing. They go by themselves after `open`, or before the
   * first message. Throws a TypeError for metadata that may not be sent.
   */
  sendHeaders(head?: ResponseHead): void;
  /**
   * Writes bytes that hold whole messages with their prefixes (see frame.ts), as one piece and without copying: the
   * caller must not change them afterwards, and may share them between calls. They are taken in any case while the
   * call is open; `false` says to write no more before `drained` (or that the call has ended). Who writes on and on
   * nevertheless loses the call (`maxQueuedBytes`).
   */
  writeFramed(parts: readonly Uint8Array[]): boolean;
  /**
   * Counts memory that the handler holds for what the client sent; a negative number gives it back, and the end of the call
   * the rest. Throws a StatusError over the limits of the connection, its address or all clients.
   */
  reserve(bytes: number): void;
  /** Reads no more until `resume`; messages that have arrived already still come. Flow control holds the client back. */
  pause(): void;
  resume(): void;
  /** Ends the call once what was written has gone. No message arrives after it; `closed` follows. Only the first one counts. */
  end(status: Status): void;
}

export type CloseReason =
  /** The server ended it: its handler, or this room for a deadline, a limit or a fault. The client may not have heard. */
  | { readonly type: 'ended'; readonly status: Status }
  /** The client reset the stream. */
  | { readonly type: 'cancelled' }
  | { readonly type: 'connection-lost'; readonly cause: string };

/**
 * What a handler does with what arrives. Calls come one at a time and never from inside `open`. A throw ends the call:
 * a StatusError with its status, anything else with INTERNAL and a line in the log.
 */
export interface CallReader {
  /** One whole message, without prefix, decompressed. It may be a view into a larger buffer: copy what is kept. */
  message(bytes: Uint8Array): void;
  /** The client sends no more messages. It still reads. */
  halfClosed(): void;
  /** `writeFramed` returned false, and now there is room again. */
  drained(): void;
  /** The last call, exactly once, whatever happened. */
  closed(reason: CloseReason): void;
  /**
   * Asked when the length of an uncompressed message is known, before its bytes: what the message is expected to be. If
   * the answer has that length, the arriving bytes are compared with it and not gathered. Must not change until then.
   */
  candidate?(length: number): Candidate | null;
  /** The message equals the candidate: this very object. Comes in place of `message`. */
  recognised?(known: Candidate): void;
}

/** The form for many long streams: nothing is allocated per message, and bytes are shared. See handler.ts for the plainer ones. */
export interface StreamingMethod {
  readonly type: 'streaming';
  readonly path: string;
  /**
   * A client opened a call. A call ended in here, or a throw, is answered with trailers only; then nothing was written
   * yet. When it throws there is no reader, so `closed` does not come.
   */
  open(call: ServerCall): CallReader;
}
