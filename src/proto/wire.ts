/** Protocol buffers' wire format, as far as records are put together by hand. Field numbers are below 2^28. */

/** A length-delimited field with these bytes. An empty value is written too: callers leave out defaults themselves. */
export function bytesField(field: number, value: Uint8Array): Buffer {
  const head = fieldHead(field, value.length);
  const out = Buffer.allocUnsafe(head.length + value.length);
  head.copy(out);
  out.set(value, head.length);
  return out;
}

/** A text, in UTF-8. */
export const stringField = (field: number, value: string): Buffer => bytesField(field, Buffer.from(value, 'utf8'));

/** Tag and length of a length-delimited field whose `length` bytes follow. */
export function fieldHead(field: number, length: number): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(length)]);
}

/** An integer as `varint` takes it, with its tag. */
export const varintField = (field: number, value: number): Buffer => Buffer.concat([varint(field << 3), varint(value)]);

/** A non-negative integer of at most 32 bits. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** The bytes of all parts together. */
export const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);
