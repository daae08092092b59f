import { encodeMetadata, type ResponseMetadata } from './metadata.ts';

/** The status codes of gRPC (https://grpc.github.io/grpc/core/md_doc_statuscodes.html), by the name that its docs use. */
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

/** How a call ended. `message` is for the people at the other end; empty for OK. */
export interface Status {
  readonly code: StatusCode;
  readonly message: string;
  /** Trailing metadata, `grpc-status-details-bin` among it. */
  readonly metadata?: ResponseMetadata;
}

export const okStatus: Status = { code: 'OK', message: '' };

/** Thrown by a handler to end its call with this status. Anything else that is thrown is a bug and becomes INTERNAL. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(code: StatusCode, message: string, options: { cause?: unknown; metadata?: ResponseMetadata } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StatusError';
    this.status = { code, message, ...(options.metadata === undefined ? {} : { metadata: options.metadata }) };
  }
}

/** `grpc-status`, `grpc-message` if there is one, and the metadata, as trailers carry them. Throws as `encodeMetadata` does. */
export function statusTrailers(status: Status): Record<string, string | string[]> {
  const trailers: Record<string, string | string[]> =
    status.metadata === undefined ? {} : encodeMetadata(status.metadata);
  trailers['grpc-status'] = String(statusCodes[status.code]);
  if (status.message !== '') trailers['grpc-message'] = percentEncode(status.message.slice(0, maxMessageLength));
  return trailers;
}

/** Clients refuse header lists of more than 8 KiB; every character may become nine. */
const maxMessageLength = 700;

/**
 * The encoding of `grpc-message`: UTF-8, with every byte but the printable ones of ASCII, and `%` itself, as `%XX`
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
