import { z } from 'zod';

/** Refusal of an apiserver, or a failure to reach it. */
export class KubernetesError extends Error {
  /** HTTP status; 0 if no answer came. */
  readonly status: number;
  /** Kubernetes' own word: `Expired`, `AlreadyExists`, `Conflict`; empty if there is none. */
  readonly reason: string;
  /** Delay that the server asks for before the next attempt, in milliseconds; null if it does not ask. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    options: { status: number; reason?: string; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KubernetesError';
    this.status = options.status;
    this.reason = options.reason ?? '';
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

const statusSchema = z.object({
  kind: z.literal('Status'),
  message: z.string().nullish(),
  reason: z.string().nullish(),
  code: z.number().nullish(),
  details: z.object({ retryAfterSeconds: z.number().nullish() }).nullish(),
});

/** Converts a `Status` object, of an answer's body or of an `ERROR` event. Other values give the HTTP status alone. */
export function errorOfStatus(body: unknown, httpStatus: number): KubernetesError {
  const parsed = statusSchema.safeParse(body);
  if (!parsed.success) {
    const text = typeof body === 'string' ? body.trim().slice(0, 200) : '';
    return new KubernetesError(text === '' ? `HTTP status ${httpStatus}` : text, { status: httpStatus });
  }
  const { message, reason, code, details } = parsed.data;
  return new KubernetesError(message || reason || `HTTP status ${httpStatus}`, {
    status: code ?? httpStatus,
    reason: reason ?? '',
    retryAfterMs: details?.retryAfterSeconds ? details.retryAfterSeconds * 1_000 : null,
  });
}

/** Reports whether the server no longer has the history from a version on, or the rest of a list. */
export const isExpired = (error: KubernetesError): boolean =>
  error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone';

/** Converts a failure of the connection. */
export const unreachable = (cause: unknown): KubernetesError =>
  cause instanceof KubernetesError
    ? cause
    : new KubernetesError(cause instanceof Error ? cause.message : String(cause), { status: 0, cause });
