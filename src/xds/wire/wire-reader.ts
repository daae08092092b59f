/** One field of a message on the wire. The object is reused: keep nothing of it beyond the callback but its values. */
export interface WireField {
  readonly number: number;
  /** The value of a length-delimited field (a view, not a copy, made when it is asked for), otherwise null. */
  readonly bytes: Uint8Array | null;
  /** The value of a varint field, otherwise 0. */
  readonly value: number;
  /** Offsets of the field in the message, tag included. */
  readonly start: number;
  readonly end: number;
  text(): string;
}

export class MalformedMessage extends Error {}

/**
 * Reads the fields of a protobuf message in order. Most requests are acknowledgements with two relevant fields; a message object
 * for each would be the largest cost of a push.
 *
 * @throws MalformedMessage when the bytes are no message.
 */
export function readFields(message: Uint8Array, onField: (field: WireField) => void): void {
  const field = new Field(message);
  while (field.next()) onField(field);
}

/** View of the first field of this number; reads no further; null: none. */
export function firstBytes(message: Uint8Array, number: number): Uint8Array | null {
  const field = new Field(message);
  while (field.next()) if (field.number === number) return field.bytes;
  return null;
}

/** Decodes UTF-8; invalid bytes become U+FFFD. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

const decoder = new TextDecoder();

class Field implements WireField {
  number = 0;
  value = 0;
  start = 0;
  end = 0;
  /** Offset of the value of a length-delimited field; -1 for any other. */
  #bytesFrom = -1;
  readonly #message: Uint8Array;

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  get bytes(): Uint8Array | null {
    return this.#bytesFrom < 0 ? null : this.#message.subarray(this.#bytesFrom, this.end);
  }

  text(): string {
    const { bytes } = this;
    return bytes === null ? '' : decoder.decode(bytes);
  }

  next(): boolean {
    if (this.end >= this.#message.length) return false;
    this.start = this.end;
    const tag = this.#varint();
    this.number = Math.floor(tag / 8);
    this.#bytesFrom = -1;
    this.value = 0;
    switch (tag % 8) {
      case 0:
        this.value = this.#varint();
        break;
      case 1:
        this.#skip(8);
        break;
      case 2: {
        const length = this.#varint();
        const from = this.end;
        this.#skip(length);
        this.#bytesFrom = from;
        break;
      }
      case 5:
        this.#skip(4);
        break;
      default:
        throw new MalformedMessage(`unknown wire type in field ${this.number}`);
    }
    return true;
  }

  #skip(length: number): void {
    this.end += length;
    if (this.end > this.#message.length) throw new MalformedMessage(`field ${this.number} is longer than its message`);
  }

  /** Up to 64 bits; what exceeds 53 bits loses precision, which no field that is read here does. */
  #varint(): number {
    let result = 0;
    let scale = 1;
    for (let length = 0; length < 10; length++) {
      const byte = this.#message[this.end];
      if (byte === undefined) throw new MalformedMessage('a number is cut short');
      this.end++;
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
      scale *= 128;
    }
    throw new MalformedMessage('a number is longer than 10 bytes');
  }
}
