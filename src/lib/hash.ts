import { hash } from 'node:crypto';

/** Returns a short, stable name of some content: 96 bits of SHA-256 as base64url (16 characters). */
export function contentHash(content: Uint8Array | string): string {
  return hash('sha256', content, 'buffer').toString('base64url', 0, 12); // a slice would retain the whole string
}

/** Returns a stable number from 0 to `below` - 1 for some text. `below`: at most 2^32. */
export const hashNumber = (text: string, below: number): number =>
  hash('sha256', text, 'buffer').readUInt32BE(0) % below;
