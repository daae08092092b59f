import { encodeMetadata, type ResponseMetadata } from './metadata.ts';

/** The status codes of gRPC by name (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
export const statusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type StatusCode = keyof typeof statusCodes;

/** Result of a call. `message` is for people at the client; empty for OK. */
export interface RpcStatus {
  readonly code: StatusCode;
  readonly message: string;
  /** Trailing metadata, including `grpc-status-details-bin`. */
  readonly metadata?: ResponseMetadata;
}

export const okStatus: RpcStatus = { code: 'OK', message: '' };

/** Error that ends a call with this status. Any other error of a handler is a bug and becomes INTERNAL. */
export class RpcError extends Error {
  readonly status: RpcStatus;

  constructor(code: StatusCode, message: string, options: { cause?: unknown; metadata?: ResponseMetadata } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RpcError';
    this.status = { code, message, ...(options.metadata === undefined ? {} : { metadata: options.metadata }) };
  }
}

/**
 * Returns the trailers: `grpc-status`, `grpc-message` if there is one, and the metadata. Throws as `encodeMetadata`
 * does.
 */
export function statusTrailers(status: RpcStatus): Record<string, string | string[]> {
  const trailers: Record<string, string | string[]> =
    status.metadata === undefined ? {} : encodeMetadata(status.metadata);
  trailers['grpc-status'] = String(statusCodes[status.code]);
  if (status.message !== '') trailers['grpc-message'] = percentEncode(status.message.slice(0, maxMessageLength));
  return trailers;
}

/** Clients reject header lists above 8 KiB, and encoding may turn a character into nine. */
const maxMessageLength = 700;

/**
 * Encodes `grpc-message`: UTF-8, with every byte as `%XX` except printable ASCII without `%`
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Percent-Encoded").
 */
export function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
