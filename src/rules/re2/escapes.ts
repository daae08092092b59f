import { isProperty } from './properties.ts';

/** Matches an escape sequence, or a text between \Q and \E, which contains no escapes. */
const escapes = /\\(?:Q.*?(?:\\E|$)|x\{([0-9a-fA-F]+)\}|([0-7]{2,3})|[pP](?:\{\^?([^}]*)\}|([^{]))|.)/gs;

/**
 * Finds an escape that Envoy's RE2 rejects, as it reads expressions byte by byte; null for none. The expression must be
 * valid otherwise.
 */
export function wrongEscape(text: string): string | null {
  for (const [escape, hex, octal, longProperty, shortProperty] of text.matchAll(escapes)) {
    const code = hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : 0;
    if (code > 255) return `${escape} is no byte, and Envoy reads text byte by byte: write the character itself`;
    const property = longProperty ?? shortProperty;
    if (property !== undefined && !isProperty(property)) return `${escape} is not known to Envoy`;
  }
  return null;
}
