import { constants, type ServerHttp2Stream } from 'node:http2';
import type { CallReader, CloseReason, Metadata, ServerCall } from './call.ts';
import { decompress } from './compression.ts';
import type { Connection } from './connection.ts';
import { MessageReader, type MessageSink } from './message-reader.ts';
import { responseHeaders, trailersOnly } from './request.ts';
import { okStatus, type Status, StatusError, statusTrailers } from './status.ts';

/** What is known of a call from its request headers. */
export interface CallRequest {
  readonly method: string;
  readonly metadata: Metadata;
  readonly encoding: string;
  readonly timeoutMs: number | null;
}

/** Node knows `sendDate` here too, which its types leave out; the header says nothing to a gRPC client. */
const withTrailers = { waitForTrailers: true, sendDate: false };
const withoutBody = { endStream: true, sendDate: false };

/** setTimeout takes 32 bits; a deadline of more than 24 days is as good as none. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * One call on one HTTP/2 stream: turns the stream's events into calls of its reader, and the handler's writes into frames.
 * Invariants: the reader hears nothing after `closed`, and no message after the status is set; a fault of the
 * handler ends this call only.
 */
export class ServerStream implements ServerCall, MessageSink {
  readonly method: string;
  readonly metadata: Metadata;
  readonly #encoding: string;
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #messages: MessageReader;
  /** Null before the handler has opened the call, and once it is closed. */
  #reader: CallReader | null = null;
  #status: Status | null = null;
  #cancelDeadline: (() => void) | null = null;
  #decompressing = false;
  /** What came in one chunk with a compressed message and after it; waits, as the stream is paused meanwhile. */
  #waiting: Buffer | null = null;
  /** The client's end came meanwhile: a paused stream holds data back, not its end. */
  #endWaiting = false;

  constructor(stream: ServerHttp2Stream, connection: Connection, request: CallRequest) {
    this.method = request.method;
    this.metadata = request.metadata;
    this.#encoding = request.encoding;
    this.#stream = stream;
    this.#connection = connection;
    connection.callOpened();
    this.#messages = new MessageReader(this, connection.surroundings.limits.maxReceiveBytes);
    if (request.timeoutMs !== null && request.timeoutMs <= longestTimerMs) {
      this.#cancelDeadline = connection.surroundings.clock.after(request.timeoutMs, () => this.#expire());
    }
  }

  get peer(): string {
    return this.#connection.peer;
  }

  get writable(): boolean {
    return this.#open && !this.#stream.writableNeedDrain;
  }

  writeFramed(parts: readonly Uint8Array[]): boolean {
    if (!this.#open) return false;
    this.sendHeaders();
    // two uncorked writes cost half as much again as one corked writev
    if (parts.length > 1) this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    if (parts.length > 1) this.#stream.uncork();
    return !this.#stream.writableNeedDrain;
  }

  end(status: Status): void {
    if (this.#status !== null) return;
    this.#status = status;
    this.#cancelDeadline?.();
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#stream.resume(); // what still comes is read and thrown away
    if (this.#stream.headersSent) {
      this.#stream.end(); // `wantsTrailers` follows when everything has gone
      return;
    }
    refuseStream(this.#stream, trailersOnly(status));
  }

  /** Lets the handler open the call. Events of the stream may come from then on. */
  start(open: (call: ServerCall) => CallReader): void {
    try {
      this.#reader = open(this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Sends the response headers, unless they are sent: without waiting for a message, a client sees that it is served. */
  sendHeaders(): void {
    if (this.#open && !this.#stream.headersSent) this.#stream.respond(responseHeaders, withTrailers);
  }

  /** Ends the call for something thrown. */
  fail(error: unknown): void {
    if (error instanceof StatusError) {
      this.end(error.status);
      return;
    }
    this.#connection.surroundings.log.error(
      { method: this.method, peer: this.peer, err: error },
      'call handler failed',
    );
    this.end({ code: 'INTERNAL', message: 'internal error' });
  }

  // Events of the HTTP/2 stream

  received(chunk: Buffer): void {
    if (this.#status !== null) return;
    try {
      const taken = this.#messages.accept(chunk);
      if (this.#decompressing && taken < chunk.length) this.#waiting = chunk.subarray(taken);
    } catch (error) {
      this.fail(error);
    }
  }

  clientEnded(): void {
    this.#endWaiting = this.#decompressing;
    if (this.#decompressing) return;
    if (this.#status !== null || this.#stream.aborted) return; // a reset looks like an end first
    try {
      if (this.#messages.unfinished) throw new StatusError('INTERNAL', 'the stream ended inside a message');
      this.#reader?.halfClosed();
    } catch (error) {
      this.fail(error);
    }
  }

  drained(): void {
    if (this.#status !== null) return;
    try {
      this.#reader?.drained();
    } catch (error) {
      this.fail(error);
    }
  }

  wantsTrailers(): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#stream.sendTrailers(statusTrailers(this.#status ?? okStatus));
    stopClient(this.#stream);
  }

  closed(): void {
    this.#connection.callClosed();
    this.#cancelDeadline?.();
    const reader = this.#reader;
    this.#reader = null;
    try {
      reader?.closed(this.#closeReason());
    } catch (error) {
      this.#connection.surroundings.log.error(
        { method: this.method, peer: this.peer, err: error },
        'call handler failed',
      );
    }
  }

  // What the message reader found

  candidate(length: number): Uint8Array | null {
    return this.#reader?.candidate?.(length) ?? null;
  }

  message(bytes: Uint8Array, compressed: boolean): boolean {
    if (compressed) {
      this.#decompress(bytes);
      return false;
    }
    this.#reader?.message(bytes);
    return this.#status === null;
  }

  recognised(known: Uint8Array): boolean {
    const reader = this.#reader;
    if (reader?.recognised) reader.recognised(known);
    else reader?.message(known);
    return this.#status === null;
  }

  get #open(): boolean {
    return this.#status === null && !this.#stream.destroyed && !this.#stream.closed;
  }

  /** Nothing behind the message may overtake it, so the stream stands still meanwhile. */
  #decompress(bytes: Uint8Array): void {
    this.#decompressing = true;
    this.#stream.pause();
    const { maxReceiveBytes } = this.#connection.surroundings.limits;
    decompress(bytes, { encoding: this.#encoding, maxBytes: maxReceiveBytes }).then(
      (message) => this.#decompressed(message),
      (error) => this.fail(error),
    );
  }

  #decompressed(message: Buffer): void {
    if (!this.#open) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#decompressing = false;
    try {
      this.#reader?.message(message);
    } catch (error) {
      this.fail(error);
    }
    if (waiting !== null) this.received(waiting);
    if (this.#decompressing) return;
    if (this.#endWaiting) this.clientEnded();
    else this.#stream.resume();
  }

  #expire(): void {
    const unread = this.#stream.writableLength > 0;
    this.end({ code: 'DEADLINE_EXCEEDED', message: 'deadline exceeded' });
    // trailers would wait behind what the client does not read
    if (unread && !this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #closeReason(): CloseReason {
    if (this.#status !== null) return { type: 'ended', status: this.#status };
    const cause = this.#connection.lostCause;
    return cause === null ? { type: 'cancelled' } : { type: 'connection-lost', cause };
  }
}

/** Answers with headers alone. */
export function refuseStream(stream: ServerHttp2Stream, headers: Readonly<Record<string, string | number>>): void {
  stream.respond(headers, withoutBody);
  stopClient(stream);
}

/**
 * After a whole response, a client that is still sending is told that nobody listens (RFC 9113, 8.1). Not in this turn:
 * a reset from inside `wantTrailers` would overtake the trailers.
 */
function stopClient(stream: ServerHttp2Stream): void {
  setImmediate(() => {
    if (!stream.destroyed && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
