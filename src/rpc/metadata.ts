/**
 * Metadata of a response, initial or trailing. Names are lower-case. Values are bytes for names that end in `-bin`, and
 * printable ASCII for others.
 */
export type ResponseMetadata = Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>;

export type MetadataValue = string | Uint8Array;

/** Encodes metadata as HTTP/2 headers. Throws a TypeError for an invalid name or value. */
export function encodeMetadata(metadata: ResponseMetadata): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (!isAllowedName(name)) throw new TypeError(`"${name}" is no name for metadata of a response`);
    const values = typeof value === 'string' || value instanceof Uint8Array ? [value] : value;
    const encoded = values.map((one) => encodeValue(name, one));
    const [only] = encoded;
    headers[name] = encoded.length === 1 && only !== undefined ? only : encoded;
  }
  return headers;
}

/** Names that a gRPC response must not have: HTTP/2 uses them for connections, HTTP for messages. */
const reservedNames = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const isAllowedName = (name: string): boolean =>
  /^[0-9a-z_.-]+$/.test(name) &&
  !reservedNames.has(name) &&
  (!name.startsWith('grpc-') || name === 'grpc-status-details-bin');

function encodeValue(name: string, value: MetadataValue): string {
  if (name.endsWith('-bin') === (typeof value === 'string')) {
    throw new TypeError(`metadata ${name} must be ${name.endsWith('-bin') ? 'bytes' : 'text'}`);
  }
  if (typeof value !== 'string') return Buffer.from(value).toString('base64').replace(/=+$/, '');
  if (!/^[\x20-\x7e]*$/.test(value))
    throw new TypeError(`metadata ${name} has characters that are not printable ASCII`);
  return value;
}
