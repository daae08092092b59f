import type { ServerHttp2Stream } from 'node:http2';
import type { CallReader } from './call.ts';
import { type Candidate, wholeOf } from './candidate.ts';
import { decompress } from './compression.ts';
import type { Connection } from './connection.ts';
import { heldToDecompress } from './limits.ts';
import { MessageReader, type MessageSink } from './message-reader.ts';
import type { CutOff } from './observer.ts';
import { Overdue } from './overdue.ts';
import { type Status, StatusError } from './status.ts';

/** The call that the messages are for. */
export interface IncomingOwner {
  /** Null before the handler has opened the call, and once it is closed. */
  readonly reader: CallReader | null;
  /** Whether the call has ended: nothing is brought to its reader any more. */
  readonly ended: boolean;
  /** Ends the call for something thrown. */
  fail(error: unknown): void;
  /** Ends the call for what its client does. */
  cutOff(reason: CutOff, status: Status): void;
}

/** A first message; or the client's end, of a call with a single message. */
export type Awaited = 'message' | 'end';

export interface IncomingOptions {
  readonly stream: ServerHttp2Stream;
  readonly connection: Connection;
  /** The call's `grpc-encoding`. */
  readonly encoding: string;
  /** Must come within `requestTimeoutMs`. */
  readonly awaits: Awaited;
}

/** What arrives on one call: brings whole messages to its reader, in order, compressed or not, and holds the client back. */
export class Incoming implements MessageSink {
  readonly #owner: IncomingOwner;
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #encoding: string;
  readonly #messages: MessageReader;
  readonly #awaits: Awaited;
  #cancelAwaited: (() => void) | null;
  /** A message has begun and is not whole. Made for the first one that comes in parts. */
  #unfinished: Overdue | null = null;
  /** By the handler. */
  #paused = false;
  #decompressing = false;
  /** What came in one chunk with a compressed message and after it; waits, as the stream is paused meanwhile. */
  #waiting: Buffer | null = null;
  /** The client's end came meanwhile: a paused stream holds data back, not its end. */
  #endWaiting = false;

  constructor(owner: IncomingOwner, { stream, connection, encoding, awaits }: IncomingOptions) {
    this.#owner = owner;
    this.#stream = stream;
    this.#connection = connection;
    this.#encoding = encoding;
    this.#awaits = awaits;
    const { limits, timing } = connection.surroundings;
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
      if (this.#messages.unfinished) throw new StatusError('INTERNAL', 'the stream ended inside a message');
      this.#owner.reader?.halfClosed();
    } catch (error) {
      this.#owner.fail(error);
    }
  }

  pause(): void {
    this.#paused = true;
    this.#unfinished?.end(); // it may be whole and not read
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#read();
    this.#awaitMessage();
  }

  /** Gives up what is not whole. What still comes is read and thrown away. */
  stop(): void {
    this.#messages.abandon();
    this.#unfinished?.stop();
    this.#cancelAwaited?.();
    this.#stream.resume();
  }

  // What the message reader found

  candidate(length: number): Candidate | null {
    return this.#owner.reader?.candidate?.(length) ?? null;
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

  recognised(known: Candidate): boolean {
    this.#unfinished?.end();
    this.#came('message');
    const { reader } = this.#owner;
    if (reader?.recognised) reader.recognised(known);
    else reader?.message(wholeOf(known));
    return !this.#owner.ended;
  }

  /** Nothing behind the message may overtake it, so the stream stands still meanwhile. */
  #decompress(bytes: Uint8Array): void {
    this.#decompressing = true;
    this.#stream.pause();
    const { maxReceiveBytes } = this.#connection.surroundings.limits;
    const held = heldToDecompress(bytes.length, maxReceiveBytes);
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
    const { timing, limits } = this.#connection.surroundings;
    this.#unfinished ??= new Overdue(timing, limits.messageTimeoutMs, () => {
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
