/** Protocol buffers' wire format, as far as this program writes it by hand. Field numbers are below 2^28. */

/** Wire types of an integer and of a length-delimited field. */
const [varintType, delimitedType] = [0, 2];

/** Encodes a length-delimited field with these bytes. Writes empty values, too: callers leave out defaults. */
export function bytesField(field: number, value: Uint8Array): Buffer {
  const tag = tagOf(field, delimitedType);
  const out = Buffer.allocUnsafe(varintLength(tag) + varintLength(value.length) + value.length);
  out.set(value, writeVarint(out, value.length, writeVarint(out, tag, 0)));
  return out;
}

/** Encodes a text in UTF-8. */
export function stringField(field: number, value: string): Buffer {
  const tag = tagOf(field, delimitedType);
  const length = Buffer.byteLength(value);
  const out = Buffer.allocUnsafe(varintLength(tag) + varintLength(length) + length);
  out.write(value, writeVarint(out, length, writeVarint(out, tag, 0)));
  return out;
}

/** Encodes tag and length of a length-delimited field whose `length` bytes follow. */
export const fieldHead = (field: number, length: number): Buffer => twoVarints(tagOf(field, delimitedType), length);

/** A non-negative integer of at most 32 bits, with its tag. */
export const varintField = (field: number, value: number): Buffer => twoVarints(tagOf(field, varintType), value);

/** How long a length-delimited field with `length` bytes is, tag and length included. */
export const fieldLength = (field: number, length: number): number =>
  varintLength(tagOf(field, delimitedType)) + varintLength(length) + length;

/** Writes tag and length of a length-delimited field whose `length` bytes are to follow. Returns where they begin. */
export const writeFieldHead = (out: Buffer, at: number, field: number, length: number): number =>
  writeVarint(out, length, writeVarint(out, tagOf(field, delimitedType), at));

/** The bytes of all parts together. */
export const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

const tagOf = (field: number, wireType: number): number => (field << 3) | wireType;

function twoVarints(first: number, second: number): Buffer {
  const out = Buffer.allocUnsafe(varintLength(first) + varintLength(second));
  writeVarint(out, second, writeVarint(out, first, 0));
  return out;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
  return length;
}

/** Writes a varint and returns the position after it. */
function writeVarint(out: Buffer, value: number, from: number): number {
  let at = from;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80;
  out[at++] = rest;
  return at;
}
