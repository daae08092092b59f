import { hash } from 'node:crypto';

/** A short, stable name of some content: 96 bits of SHA-256 as base64url (16 characters). */
export function contentHash(content: Uint8Array | string): string {
  return hash('sha256', content, 'base64url').slice(0, 16);
}
