import { isProperty } from './properties.ts';

/** An escape sequence, or a text between \Q and \E in which there is none. */
const escapes = /\\(?:Q.*?(?:\\E|$)|x\{([0-9a-fA-F]+)\}|([0-7]{2,3})|[pP](?:\{\^?([^}]*)\}|([^{]))|.)/gs;

/**
 * Finds an escape of a valid expression that Envoy's RE2 does not take, which reads expressions byte by byte; null for none. The
 * expression is taken for valid in all other ways.
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
