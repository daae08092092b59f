/** An expected message, in parts. Similar messages share parts. */
export interface ExpectedMessage {
  readonly parts: readonly Uint8Array[];
  /** Length of all parts together, in bytes. */
  readonly length: number;
}

/** Returns whether the bytes `from`..`to` of `chunk` equal those of the expected message after its first `taken` bytes. */
export function continues({ parts }: ExpectedMessage, taken: number, chunk: Buffer, from: number, to: number): boolean {
  const shift = from - taken; // difference between positions in the chunk and in the message
  let start = 0;
  for (const part of parts) {
    const first = Math.max(start, taken);
    const last = Math.min(start + part.length, to - shift);
    if (first < last && chunk.compare(part, first - start, last - start, first + shift, last + shift) !== 0)
      return false;
    start += part.length;
  }
  return true;
}

/** Returns the message as one buffer, without a copy if it has one part. */
export const expectedBytes = ({ parts }: ExpectedMessage): Uint8Array =>
  (parts.length === 1 ? parts[0] : null) ?? Buffer.concat(parts);
