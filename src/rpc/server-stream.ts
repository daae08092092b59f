import { constants, type ServerHttp2Stream } from 'node:http2';
import type { CallReader, CloseReason, ResponseHead, ServerCall } from './call.ts';
import type { Connection } from './connection.ts';
import { DurationLimit } from './duration-limit.ts';
import type { PeerIdentity } from './identity.ts';
import { type Awaited, Incoming, type IncomingOwner } from './incoming.ts';
import type { Limits } from './limits.ts';
import { MessageTooLarge } from './message-too-large.ts';
import { encodeMetadata } from './metadata.ts';
import type { CutOff } from './observer.ts';
import { type ResponseHeaders, responseHeaders, trailersOnly } from './request.ts';
import type { RequestMetadata } from './request-metadata.ts';
import { okStatus, RpcError, type RpcStatus, statusTrailers } from './status.ts';

/** Facts about a call from its request headers. */
export interface CallRequest {
  readonly method: string;
  readonly metadata: RequestMetadata;
  readonly encoding: string;
  readonly acceptsGzip: boolean;
  readonly timeoutMs: number | null;
  /** The event that the client must send in time. */
  readonly awaits: Awaited;
}

/** Node supports `sendDate` here, too; its types omit it. gRPC clients do not use that header. */
const withTrailers = { waitForTrailers: true, sendDate: false };
const withoutBody = { endStream: true, sendDate: false };

/** setTimeout is limited to 32 bits. A deadline beyond 24 days is ignored. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * One call on one HTTP/2 stream: passes the stream's events to its reader, and the handler's writes to the stream.
 * Invariants: the reader receives nothing after `closed`, and no message once the status is set. A fault of the handler
 * ends only this call.
 */
export class ServerStream implements ServerCall, IncomingOwner {
  readonly method: string;
  readonly metadata: RequestMetadata;
  readonly acceptsGzip: boolean;
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #limits: Limits;
  readonly #incoming: Incoming;
  /** Null before the handler has opened the call, and after it closed. */
  #reader: CallReader | null = null;
  #status: RpcStatus | null = null;
  #closed = false;
  /** Memory that the handler reserved. */
  #heldBytes = 0;
  #cancelDeadline: (() => void) | null = null;
  /** Timeout for the client to read waiting data. Created when data waits for the first time. */
  #unread: DurationLimit | null = null;

  constructor(stream: ServerHttp2Stream, connection: Connection, request: CallRequest) {
    this.method = request.method;
    this.metadata = request.metadata;
    this.acceptsGzip = request.acceptsGzip;
    this.#stream = stream;
    this.#connection = connection;
    this.#limits = connection.context.limits; // a field, as every write reads it
    const { encoding, awaits } = request;
    this.#incoming = new Incoming(this, { stream, connection, encoding, awaits });
    if (request.timeoutMs !== null && request.timeoutMs <= longestTimerMs) {
      this.#cancelDeadline = connection.context.timing.after(request.timeoutMs, () => this.#expire());
    }
  }

  get peer(): string {
    return this.#connection.peer;
  }

  get identity(): PeerIdentity | null {
    return this.#connection.identity;
  }

  get writable(): boolean {
    return this.#open && !this.#stream.writableNeedDrain;
  }

  writeFramed(parts: readonly Uint8Array[]): boolean {
    if (!this.#open) return false;
    if (!this.#stream.headersSent) this.sendHeaders();
    if (!this.#mayWrite(parts)) return false;
    // one corked writev is cheaper than two uncorked writes
    if (parts.length > 1) this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    this.#connection.account.answered();
    if (parts.length > 1) this.#stream.uncork();
    if (!this.#stream.writableNeedDrain) return true;
    this.#awaitReading();
    return false;
  }

  reserve(bytes: number): void {
    if (this.#closed) return; // the memory was released
    this.#connection.reserve(bytes);
    this.#heldBytes += bytes;
  }

  mayLog(): boolean {
    return this.#connection.account.mayLog();
  }

  pause(): void {
    this.#incoming.pause();
  }

  resume(): void {
    this.#incoming.resume();
  }

  end(status: RpcStatus): void {
    if (this.#status !== null) return;
    this.#status = status;
    this.#connection.context.observer.ended(status.code);
    this.#cancelDeadline?.();
    this.#incoming.stop();
    if (this.#stream.destroyed || this.#stream.closed) return;
    if (this.#stream.headersSent) {
      if (this.#stream.writableLength > 0) this.#awaitReading();
      this.#stream.end(); // `wantsTrailers` follows when all data has been sent
      return;
    }
    refuseStream(this.#stream, this.#encoded(trailersOnly, status));
  }

  /** Lets the handler open the call. Events of the stream may arrive from then on. */
  start(open: (call: ServerCall) => CallReader): void {
    try {
      this.#reader = open(this);
    } catch (error) {
      this.fail(error);
    }
  }

  sendHeaders(head?: ResponseHead): void {
    if (!this.#open || this.#stream.headersSent) return;
    this.#stream.respond(head === undefined ? responseHeaders : headersOf(head), withTrailers);
  }

  /** Ends the call with an error. */
  fail(error: unknown): void {
    if (error instanceof MessageTooLarge) this.cutOff('message-too-large', error.status);
    if (error instanceof RpcError) {
      this.end(error.status);
      return;
    }
    this.#logFault(error);
    this.end({ code: 'INTERNAL', message: 'internal error' });
  }

  // Events of the HTTP/2 stream

  received(chunk: Buffer): void {
    this.#connection.understood();
    this.#incoming.received(chunk);
  }

  clientEnded(): void {
    this.#incoming.clientEnded();
  }

  drained(): void {
    if (this.#status !== null) return;
    this.#unread?.end();
    try {
      this.#reader?.drained();
    } catch (error) {
      this.fail(error);
    }
  }

  wantsTrailers(): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#stream.sendTrailers(this.#encoded(statusTrailers, this.#status ?? okStatus));
    stopClient(this.#stream);
  }

  closed(): void {
    this.#connection.callClosed({ abandoned: this.#status === null });
    this.#cancelDeadline?.();
    this.#unread?.stop();
    this.#incoming.stop();
    this.reserve(-this.#heldBytes);
    this.#closed = true;
    const reader = this.#reader;
    this.#reader = null;
    try {
      reader?.closed(this.#closeReason());
    } catch (error) {
      this.#logFault(error);
    }
  }

  // Members for `Incoming`

  get reader(): CallReader | null {
    return this.#reader;
  }

  get ended(): boolean {
    return this.#status !== null;
  }

  cutOff(reason: CutOff, status: RpcStatus): void {
    const { log, observer } = this.#connection.context;
    if (this.mayLog()) log.info({ method: this.method, peer: this.peer, reason, why: status.message }, 'call cut off');
    observer.cutOff(reason);
    this.#endAtOnce(status);
  }

  get #open(): boolean {
    return this.#status === null && !this.#stream.destroyed && !this.#stream.closed;
  }

  /** Returns whether a write is within the limits. If not, the call has ended. */
  #mayWrite(parts: readonly Uint8Array[]): boolean {
    const { maxQueuedBytes, maxSendBytes } = this.#limits;
    const queued = this.#stream.writableLength;
    if (queued > maxQueuedBytes) {
      this.cutOff('slow-reader', { code: 'RESOURCE_EXHAUSTED', message: `${queued} bytes wait to be read` });
      return false;
    }
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    if (bytes <= maxSendBytes) return true;
    this.end({
      code: 'RESOURCE_EXHAUSTED',
      message: `response of ${bytes} bytes is over the limit of ${maxSendBytes}`,
    });
    return false;
  }

  #awaitReading(): void {
    const { timing } = this.#connection.context;
    this.#unread ??= new DurationLimit(timing, this.#limits.drainTimeoutMs, () => {
      this.cutOff('slow-reader', { code: 'UNAVAILABLE', message: 'responses were not read in time' });
    });
    this.#unread.begin();
  }

  #expire(): void {
    this.#endAtOnce({ code: 'DEADLINE_EXCEEDED', message: 'deadline exceeded' });
  }

  /**
   * Ends the call without trailers if data waits: they would wait behind it. Resets the stream in a later turn: with
   * unwritten headers, an earlier reset would not be written either, and the client would wait for ever.
   */
  #endAtOnce(status: RpcStatus): void {
    const unread = this.#stream.writableLength > 0;
    this.end(status);
    if (!unread) return;
    setImmediate(() => {
      if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
    });
  }

  /** Encodes a status. Invalid metadata is a fault of the handler. */
  #encoded<Headers>(encode: (status: RpcStatus) => Headers, status: RpcStatus): Headers {
    try {
      return encode(status);
    } catch (error) {
      this.#logFault(error);
      return encode({ code: 'INTERNAL', message: 'internal error' });
    }
  }

  #logFault(error: unknown): void {
    if (!this.mayLog()) return;
    this.#connection.context.log.error({ method: this.method, peer: this.peer, err: error }, 'call handler failed');
  }

  #closeReason(): CloseReason {
    if (this.#status !== null) return { type: 'ended', status: this.#status };
    const cause = this.#connection.lostCause;
    return cause === null ? { type: 'cancelled' } : { type: 'connection-lost', cause };
  }
}

const headersOf = ({ metadata, encoding }: ResponseHead): ResponseHeaders => ({
  ...responseHeaders,
  ...(metadata === undefined ? {} : encodeMetadata(metadata)),
  ...(encoding === 'gzip' ? { 'grpc-encoding': 'gzip' } : {}),
});

/** Answers with headers only. */
export function refuseStream(stream: ServerHttp2Stream, headers: ResponseHeaders): void {
  stream.respond(headers, withoutBody);
  stopClient(stream);
}

/**
 * Resets a client that still sends after a complete response (RFC 9113, 8.1). Waits a turn: a reset from inside
 * `wantTrailers` would overtake the trailers.
 */
function stopClient(stream: ServerHttp2Stream): void {
  setImmediate(() => {
    if (!stream.destroyed && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
