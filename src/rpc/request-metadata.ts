import { StatusError } from './status.ts';

/** Request headers, with HTTP/2's own (`:path`, …). Binary ones (`-bin`) are base64 text, as they came: see `binaryValues`. */
export type Metadata = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The values of a `-bin` header, decoded; none when it is absent. Throws a StatusError for what is not base64. */
export function binaryValues(metadata: Metadata, name: string): readonly Buffer[] {
  const value = metadata[name];
  if (value === undefined) return [];
  // several headers of one name may come as one, joined by commas (PROTOCOL-HTTP2.md, "Custom-Metadata")
  const texts = (typeof value === 'string' ? [value] : value).flatMap((text) => text.split(','));
  return texts.map((text) => decodeBase64(text.trim(), name));
}

/** With and without padding, as gRPC has it, and in no other alphabet. */
function decodeBase64(text: string, name: string): Buffer {
  const bare = text.replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(bare) || bare.length % 4 === 1) {
    throw new StatusError('INTERNAL', `metadata ${name} is not base64`);
  }
  return Buffer.from(bare, 'base64');
}
