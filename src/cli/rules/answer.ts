import { type ErrorCode, MeshError } from '../../lib/errors.ts';
import { plainText } from './output.ts';

/** Invalid field, as a Kubernetes `Status` names it. */
export interface Cause {
  readonly field: string;
  readonly message: string;
}

/** Rejection by a server. `causes` is empty if it names no field. */
export class ServerError extends MeshError {
  readonly status: number;
  /** Reason such as `NotFound` or `Conflict`; empty if none was given. */
  readonly reason: string;
  readonly causes: readonly Cause[];

  constructor(status: number, { message, reason, causes }: { message: string; reason: string; causes: Cause[] }) {
    super(codeOf(status), message);
    this.status = status;
    this.reason = reason;
    this.causes = causes;
  }
}

/** Reads the failure from an answer with a status of 400 or above; null if it is not in Binnacle's format. */
export function readFailure(status: number, body: unknown): ServerError | null {
  if (!isMap(body) || body.kind !== 'Status' || typeof body.message !== 'string') return null;
  const details = isMap(body.details) ? body.details : {};
  const causes = Array.isArray(details.causes) ? details.causes.filter(isMap) : [];
  return new ServerError(status, {
    message: `${plainText(body.message)}${status === 401 ? cureOf401 : ''}`,
    reason: typeof body.reason === 'string' ? body.reason : '',
    causes: causes.map(({ field, message }) => ({ field: plainText(text(field)), message: plainText(text(message)) })),
  });
}

const cureOf401 = ' (--token-file, --cert-file, BINNACLE_TOKEN, or a context with one of them)';

/** Reads the texts of `Warning` headers: https://www.rfc-editor.org/rfc/rfc7234#section-5.5 */
export function readWarnings(header: string | null): readonly string[] {
  const quoted = header?.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g) ?? [];
  return [...quoted].map(([, message = '']) => plainText(message.replaceAll(/\\(.)/g, '$1')));
}

/** Reports whether a value is a JSON object and no list. */
export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const codeOf = (status: number): ErrorCode => (status >= 500 || status === 429 ? 'SERVER_FAILED' : 'REQUEST_REFUSED');
