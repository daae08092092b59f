import type { Problem } from '../rules/rule.ts';

/**
 * Reasons of a failed request, as Kubernetes defines them:
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export type StatusReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Expired'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'Invalid'
  | 'TooManyRequests'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'Timeout';

/** Invalid field. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** Body of every error and of the answer to a deletion. `message` is for people and names the remedy. */
export interface ApiStatus {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  /** Metadata of an expired page: the token to continue with. */
  readonly metadata: { readonly continue?: string };
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
  /** HTTP status code. */
  readonly code: number;
}

const codes: Readonly<Record<StatusReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};

const common = { kind: 'Status', apiVersion: 'v1', metadata: {} } as const;

/** Builds a failure; `reason` determines its HTTP status. */
export function failure(reason: StatusReason, message: string, details?: ApiStatus['details']): ApiStatus {
  const code = codes[reason];
  return { ...common, status: 'Failure', message, reason, ...(details === undefined ? {} : { details }), code };
}

/** Builds the answer to a deletion. */
export const success = (details: NonNullable<ApiStatus['details']>): ApiStatus => ({
  ...common,
  status: 'Success',
  details,
  code: 200,
});

/** Builds the failure for an object that its schema rejects, with one cause for each problem. */
export function invalid(
  object: { kind: string; group: string; name: string },
  problems: readonly Problem[],
): ApiStatus {
  const causes = problems.map(({ path, message }) => ({ reason: causeReason(message), message, field: path }));
  const list = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  const { kind, group, name } = object;
  return failure('Invalid', `${kind} "${name}" is invalid: ${list}`, { name, group, kind, causes });
}

/** Error that carries a status. Handlers throw it; the server sends the status unchanged. */
export class ApiError extends Error {
  readonly status: ApiStatus;

  constructor(status: ApiStatus) {
    super(status.message);
    this.name = 'RpcError';
    this.status = status;
  }
}

/** Maps a problem to a cause type that Kubernetes clients know. */
function causeReason(message: string): string {
  if (message.startsWith('unknown field')) return 'FieldValueForbidden';
  if (message.startsWith('must be one of')) return 'FieldValueNotSupported';
  return message.endsWith('received undefined') ? 'FieldValueRequired' : 'FieldValueInvalid';
}
