/** What a message is expected to be, in parts: expectations that differ in little share the rest. */
export interface Candidate {
  readonly parts: readonly Uint8Array[];
  /** Of all parts together, in bytes. */
  readonly length: number;
}

/** Whether the bytes of `chunk` in `from`..`to` are what the candidate has behind its first `taken` bytes. */
export function continues({ parts }: Candidate, taken: number, chunk: Buffer, from: number, to: number): boolean {
  const shift = from - taken; // from a place in the message to that in the chunk
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

/** The candidate as one piece; nothing is copied if it is one. */
export const wholeOf = ({ parts }: Candidate): Uint8Array =>
  (parts.length === 1 ? parts[0] : null) ?? Buffer.concat(parts);
