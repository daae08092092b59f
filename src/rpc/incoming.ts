import type { ServerHttp2Stream } from 'node:http2';
import type { CallReader } from './call.ts';
import { decompress } from './compression.ts';
import type { Connection } from './connection.ts';
import { DurationLimit } from './duration-limit.ts';
import { type ExpectedMessage, expectedBytes } from './expected-message.ts';
import { bytesToDecompress } from './limits.ts';
import { MessageReader, type MessageSink } from './message-reader.ts';
import type { CutOff } from './observer.ts';
import { RpcError, type RpcStatus } from './status.ts';

/** The call that receives the messages. */
export interface IncomingOwner {
  /** Null before the handler has opened the call, and after it closed. */
  readonly reader: CallReader | null;
  /** True once the call has ended: its reader receives nothing more. */
  readonly ended: boolean;
  /** Ends the call with an error. */
  fail(error: unknown): void;
  /** Ends the call because of the client's behaviour. */
  cutOff(reason: CutOff, status: RpcStatus): void;
}

/** The event that must arrive in time: a first message, or the client's end for calls with a single message. */
export type Awaited = 'message' | 'end';

export interface IncomingOptions {
  readonly stream: ServerHttp2Stream;
  readonly connection: Connection;
  /** The call's `grpc-encoding`. */
  readonly encoding: string;
  /** Must arrive within `requestTimeoutMs`. */
  readonly awaits: Awaited;
}

/** Input of one call: delivers whole, decompressed messages to its reader in order, and applies flow control. */
export class Incoming implements MessageSink {
  readonly #owner: IncomingOwner;
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #encoding: string;
  readonly #messages: MessageReader;
  readonly #awaits: Awaited;
  #cancelAwaited: (() => void) | null;
  /** Timeout of an incomplete message. Created for the first message that arrives in parts. */
  #unfinished: DurationLimit | null = null;
  /** Set by the handler. */
  #paused = false;
  #decompressing = false;
  /** Bytes of a chunk after a compressed message. They wait for the decompression; the stream is paused meanwhile. */
  #waiting: Buffer | null = null;
  /** The client's end arrived during decompression: pausing a stream holds back data, but not its end. */
  #endWaiting = false;

  constructor(owner: IncomingOwner, { stream, connection, encoding, awaits }: IncomingOptions) {
    this.#owner = owner;
    this.#stream = stream;
    this.#connection = connection;
    this.#encoding = encoding;
    this.#awaits = awaits;
    const { limits, timing } = connection.context;
    this.#messages = new MessageReader(this, limits.maxReceiveBytes);
    this.#cancelAwaited = timing.after(limits.requestTimeoutMs, () => this.#requestOverdue());
  }

  received(chunk: Buffer): void {
    if (this.#owner.ended) return;
    try {
      const taken = this.#messages.accept(chunk);
      if (this.#decompressing && taken < chunk.length) this.#waiting = chunk.subarray(taken);
      this.#awaitMessage();
    } catch (error) {
      this.#owner.fail(error);
    }
  }

  clientEnded(): void {
    this.#came('end');
    this.#endWaiting = this.#decompressing;
    if (this.#decompressing) return;
    if (this.#owner.ended || this.#stream.aborted) return; // a reset looks like an end first
    try {
      if (this.#messages.unfinished) throw new RpcError('INTERNAL', 'the stream ended inside a message');
      this.#owner.reader?.halfClosed();
    } catch (error) {
      this.#owner.fail(error);
    }
  }

  pause(): void {
    this.#paused = true;
    this.#unfinished?.end(); // the rest may have arrived without being read
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#read();
    this.#awaitMessage();
  }

  /** Drops an incomplete message. Later data is read and discarded. */
  stop(): void {
    this.#messages.abandon();
    this.#unfinished?.stop();
    this.#cancelAwaited?.();
    this.#stream.resume();
  }

  // Callbacks of the message reader

  expectedMessage(length: number): ExpectedMessage | null {
    return this.#owner.reader?.expectedMessage?.(length) ?? null;
  }

  reserve(bytes: number): void {
    this.#connection.reserve(bytes);
  }

  message(bytes: Uint8Array, compressed: boolean): boolean {
    this.#unfinished?.end();
    this.#came('message');
    if (!this.#connection.account.requested()) {
      const message = 'too many messages from this address: try again later';
      this.#owner.cutOff('request-flood', { code: 'RESOURCE_EXHAUSTED', message });
      return false;
    }
    if (compressed) {
      this.#decompress(bytes);
      return false;
    }
    this.#owner.reader?.message(bytes);
    return !this.#owner.ended;
  }

  recognised(known: ExpectedMessage): boolean {
    this.#unfinished?.end();
    this.#came('message');
    const { reader } = this.#owner;
    if (reader?.recognised) reader.recognised(known);
    else reader?.message(expectedBytes(known));
    return !this.#owner.ended;
  }

  /** Decompresses a message. Pauses the stream meanwhile, so that later messages stay behind it. */
  #decompress(bytes: Uint8Array): void {
    this.#decompressing = true;
    this.#stream.pause();
    const { maxReceiveBytes } = this.#connection.context.limits;
    const held = bytesToDecompress(bytes.length, maxReceiveBytes);
    this.#connection.reserve(held);
    decompress(bytes, { encoding: this.#encoding, maxBytes: maxReceiveBytes })
      .finally(() => this.#connection.reserve(-held))
      .then(
        (message) => this.#decompressed(message),
        (error) => this.#owner.fail(error),
      );
  }

  #decompressed(message: Buffer): void {
    if (this.#owner.ended || this.#stream.destroyed) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#decompressing = false;
    try {
      this.#owner.reader?.message(message);
    } catch (error) {
      this.#owner.fail(error);
    }
    if (waiting !== null) this.received(waiting);
    if (this.#decompressing) return;
    if (this.#endWaiting) this.clientEnded();
    else this.#read();
  }

  #read(): void {
    if (!this.#paused && !this.#decompressing) this.#stream.resume();
  }

  #awaitMessage(): void {
    if (!this.#messages.unfinished || this.#paused || this.#owner.ended) return;
    const { timing, limits } = this.#connection.context;
    this.#unfinished ??= new DurationLimit(timing, limits.messageTimeoutMs, () => {
      const message = 'the rest of a message did not come in time';
      this.#owner.cutOff('message-timeout', { code: 'UNAVAILABLE', message });
    });
    this.#unfinished.begin();
  }

  #came(what: Awaited): void {
    if (what === 'message' && this.#awaits === 'end') return;
    this.#cancelAwaited?.();
    this.#cancelAwaited = null;
  }

  #requestOverdue(): void {
    if (this.#owner.ended) return;
    const message = this.#awaits === 'end' ? 'the request did not end in time' : 'no message came in time';
    this.#owner.cutOff('request-timeout', { code: 'UNAVAILABLE', message });
  }
}
