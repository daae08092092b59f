import { continues, type ExpectedMessage, expectedBytes } from './expected-message.ts';
import { prefixLength } from './frame.ts';
import { MessageTooLarge } from './message-too-large.ts';
import { RpcError } from './status.ts';

/** Receiver of a MessageReader's results. */
export interface MessageSink {
  expectedMessage(length: number): ExpectedMessage | null;
  /** Receives a whole message. Returns whether to continue with the bytes after it. */
  message(bytes: Uint8Array, compressed: boolean): boolean;
  /** Receives a message that equals its expected message. Returns whether to continue with the bytes after it. */
  recognised(known: ExpectedMessage): boolean;
  /** Counts memory for an incomplete message; a negative number releases it. May throw a RpcError to refuse it. */
  reserve(bytes: number): void;
}

/**
 * Splits the bytes of a stream into messages, for any chunking. Holds no buffer between messages. Within a message,
 * holds memory for received bytes only, not for the announced length.
 */
export class MessageReader {
  readonly #sink: MessageSink;
  readonly #maxBytes: number;
  #prefixTaken = 0;
  #flag = 0;
  #length = 0;
  #taken = 0;
  /** If not null, all bytes of the message so far equal its beginning, and `#gathered` is null. */
  #expected: ExpectedMessage | null = null;
  /** The first `#taken` bytes of the message; the end of the buffer may be unused. */
  #gathered: Buffer | null = null;
  /** Memory reported to the sink for `#gathered`. */
  #reserved = 0;

  constructor(sink: MessageSink, maxBytes: number) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
  }

  /** True if a message has begun and not ended. */
  get unfinished(): boolean {
    return this.#prefixTaken > 0;
  }

  /**
   * Reads bytes of a chunk and returns their number: less than all only if the sink said to stop. Throws a RpcError
   * for an invalid prefix or a message over the limit, before gathering its bytes.
   */
  accept(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      at = this.#prefixTaken < prefixLength ? this.#takePrefix(chunk, at) : this.#takeBody(chunk, at);
      const whole = this.#prefixTaken === prefixLength && this.#taken === this.#length;
      if (whole && !this.#deliver()) break;
    }
    return at;
  }

  /** Drops an incomplete message. */
  abandon(): void {
    this.#gathered = null;
    this.#release();
  }

  #takePrefix(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length && this.#prefixTaken < prefixLength; at++) {
      const byte = chunk[at] ?? 0;
      if (this.#prefixTaken === 0) this.#flag = byte;
      else this.#length = this.#length * 256 + byte; // not a shift: four bytes would overflow into the sign
      this.#prefixTaken++;
    }
    if (this.#prefixTaken === prefixLength) this.#begin();
    return at;
  }

  #begin(): void {
    if (this.#flag > 1) throw new RpcError('INTERNAL', `message prefix begins with ${this.#flag}, not 0 or 1`);
    if (this.#length > this.#maxBytes) {
      throw new MessageTooLarge(`message of ${this.#length} bytes is over the limit of ${this.#maxBytes}`);
    }
    const expected = this.#flag === 0 ? this.#sink.expectedMessage(this.#length) : null;
    this.#expected = expected?.length === this.#length ? expected : null;
  }

  #takeBody(chunk: Buffer, from: number): number {
    const to = Math.min(chunk.length, from + this.#length - this.#taken);
    if (this.#expected !== null && !continues(this.#expected, this.#taken, chunk, from, to)) {
      this.#gatherFromExpected(this.#expected);
    }
    if (this.#expected === null) this.#gather(chunk, from, to);
    this.#taken += to - from;
    return to;
  }

  /** Copies the bytes that matched so far from the expected message. */
  #gatherFromExpected(expected: ExpectedMessage): void {
    this.#expected = null;
    if (this.#taken === 0) return;
    this.#gathered = this.#allocate(this.#taken);
    this.#gathered.set(expectedBytes(expected).subarray(0, this.#taken));
  }

  #gather(chunk: Buffer, from: number, to: number): void {
    if (to - from === this.#length) {
      this.#gathered = chunk.subarray(from, to); // the usual case: the whole message in one chunk
      return;
    }
    const needed = this.#taken + to - from;
    if (this.#gathered === null || this.#gathered.length < needed) {
      const larger = this.#allocate(needed);
      this.#gathered?.copy(larger, 0, 0, this.#taken);
      this.#gathered = larger;
    }
    chunk.copy(this.#gathered, this.#taken, from, to);
  }

  /** Doubles the buffer on growth, so that announcing megabytes without sending them allocates little. */
  #allocate(needed: number): Buffer {
    const size = Math.min(this.#length, Math.max(needed * 2, 16_384));
    this.#sink.reserve(size - this.#reserved);
    this.#reserved = size;
    return Buffer.allocUnsafe(size);
  }

  #release(): void {
    if (this.#reserved > 0) this.#sink.reserve(-this.#reserved);
    this.#reserved = 0;
  }

  #deliver(): boolean {
    const known = this.#expected;
    const bytes = this.#gathered ?? nothing;
    const compressed = this.#flag === 1;
    this.#prefixTaken = 0;
    this.#length = 0;
    this.#taken = 0;
    this.#expected = null;
    this.#gathered = null;
    this.#release();
    return known === null ? this.#sink.message(bytes, compressed) : this.#sink.recognised(known);
  }
}

const nothing = Buffer.alloc(0);
