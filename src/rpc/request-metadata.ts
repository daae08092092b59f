import { RpcError } from './status.ts';

/** Request headers, including HTTP/2's own (`:path`, …). Binary ones (`-bin`) are base64 text: see `binaryValues`. */
export type RequestMetadata = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Returns the decoded values of a `-bin` header; none when it is absent. Throws a RpcError for invalid base64. */
export function binaryValues(metadata: RequestMetadata, name: string): readonly Buffer[] {
  const value = metadata[name];
  if (value === undefined) return [];
  // one header may hold several values, separated by commas (PROTOCOL-HTTP2.md, "Custom-Metadata")
  const texts = (typeof value === 'string' ? [value] : value).flatMap((text) => text.split(','));
  return texts.map((text) => decodeBase64(text.trim(), name));
}

/** Decodes base64 with or without padding, as gRPC requires, in the standard alphabet only. */
function decodeBase64(text: string, name: string): Buffer {
  const bare = text.replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(bare) || bare.length % 4 === 1) {
    throw new RpcError('INTERNAL', `metadata ${name} is not base64`);
  }
  return Buffer.from(bare, 'base64');
}
