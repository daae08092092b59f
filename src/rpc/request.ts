import { acceptedEncodings, isKnownEncoding, namesGzip } from './compression.ts';
import type { RpcMethod } from './handlers/handler.ts';
import type { RequestMetadata } from './request-metadata.ts';
import { type RpcStatus, type StatusCode, statusTrailers } from './status.ts';

/** Result of checking a request's headers. */
export type RequestVerdict =
  | {
      readonly type: 'call';
      readonly method: RpcMethod;
      /** `grpc-encoding` of its messages; `identity` if absent. */
      readonly encoding: string;
      readonly acceptsGzip: boolean;
      readonly timeoutMs: number | null;
    }
  /** Response headers of an immediate answer without a body. */
  | { readonly type: 'refuse'; readonly headers: ResponseHeaders };

export const grpcContentType = 'application/grpc';

/**
 * Checks a request by its headers, as gRPC over HTTP/2 requires
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Requests"). Does not require `te: trailers`.
 */
export function judgeRequest(headers: RequestMetadata, methods: ReadonlyMap<string, RpcMethod>): RequestVerdict {
  const verb = text(headers[':method']);
  if (verb !== 'POST') return { type: 'refuse', headers: { ':status': 405, allow: 'POST' } };
  const contentType = text(headers['content-type']);
  if (!isGrpc(contentType)) return { type: 'refuse', headers: { ':status': 415, accept: grpcContentType } };

  const path = text(headers[':path']);
  const method = methods.get(path);
  if (method === undefined) return refuse('UNIMPLEMENTED', `unknown method ${path}`);

  const encoding = text(headers['grpc-encoding']) || 'identity';
  if (!isKnownEncoding(encoding)) return refuse('UNIMPLEMENTED', `unsupported grpc-encoding ${encoding}`);

  const timeout = text(headers['grpc-timeout']);
  const timeoutMs = timeout === '' ? null : parseTimeout(timeout);
  if (timeoutMs === undefined) return refuse('INTERNAL', `malformed grpc-timeout ${timeout}`);
  return {
    type: 'call',
    method,
    encoding,
    acceptsGzip: namesGzip(text(headers['grpc-accept-encoding'])),
    timeoutMs,
  };
}

/**
 * Returns the response headers of a call that ends before its first message ("Trailers-Only"). Throws as
 * `statusTrailers` does.
 */
export function trailersOnly(status: RpcStatus): ResponseHeaders {
  return { ...responseHeaders, ...statusTrailers(status) };
}

/** Headers in the form that Node expects. */
export type ResponseHeaders = Readonly<Record<string, string | number | string[]>>;

export const responseHeaders: ResponseHeaders = {
  ':status': 200,
  'content-type': grpcContentType,
  'grpc-accept-encoding': acceptedEncodings,
};

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Parses a `grpc-timeout` such as `100m` (up to eight digits and a unit) into milliseconds. Returns undefined for other
 * text.
 */
export function parseTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
}

const refuse = (code: StatusCode, message: string): RequestVerdict => ({
  type: 'refuse',
  headers: trailersOnly({ code, message }),
});

/** Accepts `application/grpc`, with a subtype (`+proto`) or parameters (`;…`). gRPC-Web is another protocol. */
const isGrpc = (contentType: string): boolean => /^application\/grpc(?:$|[+;\s])/i.test(contentType);

/**
 * Returns one header's value. The headers used here are never lists: Node keeps the first of several, or joins them.
 */
const text = (value: RequestMetadata[string]): string => (typeof value === 'string' ? value : '');
