/**
 * Metadata of a response, initial or trailing. Names are lower-case. Values of names that end in `-bin` are bytes, all
 * others printable ASCII.
 */
export type ResponseMetadata = Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>;

export type MetadataValue = string | Uint8Array;

/** Metadata as HTTP/2 headers. Throws a TypeError for a name or a value that may not be sent. */
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

/** HTTP/2 has these for connections, and HTTP for messages: a response of gRPC never has them. */
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
