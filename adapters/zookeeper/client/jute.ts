/** Thrown for a message that ends too early, or has lengths that cannot be. */
export class JuteError extends Error {}

/** Builds a message of jute, ZooKeeper's serialization: big-endian numbers, and lengths before texts. */
export class JuteWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return this.#add(bytes);
  }

  long(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return this.#add(bytes);
  }

  bool(value: boolean): this {
    return this.#add(Buffer.from([value ? 1 : 0]));
  }

  bytes(value: Uint8Array): this {
    return this.int(value.length).#add(value);
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value));
  }

  /** Returns the message with its length before it, as it is sent. */
  frame(): Buffer {
    const length = this.#parts.reduce((sum, part) => sum + part.length, 0);
    return Buffer.concat([new JuteWriter().int(length).#parts[0] ?? Buffer.alloc(0), ...this.#parts]);
  }

  #add(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes));
    return this;
  }
}

/** Reads a message of jute from its beginning. */
export class JuteReader {
  readonly #message: Buffer;
  #at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  /** Number of bytes that were not read yet. */
  get left(): number {
    return this.#message.length - this.#at;
  }

  int(): number {
    return this.#take(4).readInt32BE();
  }

  long(): bigint {
    return this.#take(8).readBigInt64BE();
  }

  /** Reads bytes; null is written as length -1. */
  bytes(): Buffer | null {
    const length = this.int();
    return length === -1 ? null : this.#take(length);
  }

  text(): string {
    return this.bytes()?.toString('utf8') ?? '';
  }

  texts(): readonly string[] {
    const count = this.int();
    if (count > this.left / 4) throw new JuteError(`a list of ${count} texts does not fit its message`);
    return Array.from({ length: Math.max(count, 0) }, () => this.text());
  }

  #take(length: number): Buffer {
    if (length < 0 || length > this.left) throw new JuteError(`${length} bytes were wanted and ${this.left} are left`);
    this.#at += length;
    return this.#message.subarray(this.#at - length, this.#at);
  }
}
