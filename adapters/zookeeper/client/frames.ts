/** Cuts a byte stream into messages, each after its length in four bytes. Holds at most one unfinished message. */
export class FrameCutter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #held = 0;

  /** A longer message throws. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds received bytes and returns the messages that are complete now. */
  push(chunk: Buffer): readonly Buffer[] {
    this.#parts.push(chunk);
    this.#held += chunk.length;
    const frames: Buffer[] = [];
    for (let length = this.#nextLength(); length !== null && this.#held >= 4 + length; length = this.#nextLength()) {
      const all = this.#joined();
      frames.push(all.subarray(4, 4 + length));
      this.#parts = [all.subarray(4 + length)];
      this.#held = all.length - 4 - length;
    }
    return frames;
  }

  #nextLength(): number | null {
    if (this.#held < 4) return null;
    const first = this.#parts[0]?.length ?? 0;
    const length = (first >= 4 ? (this.#parts[0] ?? Buffer.alloc(4)) : this.#joined()).readInt32BE(0);
    if (length < 0 || length > this.#maxBytes)
      throw new Error(`a message of ${length} bytes was announced; ${this.#maxBytes} are possible`);
    return length;
  }

  #joined(): Buffer {
    const all = this.#parts.length === 1 ? (this.#parts[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}
