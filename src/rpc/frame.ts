/**
 * Length of a message's prefix: one byte (1 if compressed), then four bytes of length, most significant first
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
 */
export const prefixLength = 5;

/** Returns the prefix of an uncompressed message of `length` bytes. */
export function framePrefix(length: number): Buffer {
  const prefix = Buffer.allocUnsafe(prefixLength);
  prefix[0] = 0;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

/** Returns one message, given in parts, with its prefix: the argument of `ServerCall.writeFramed`. Copies nothing. */
export function frame(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  let length = 0;
  for (const part of parts) length += part.length;
  return [framePrefix(length), ...parts];
}
