import { type KubernetesError, unreachable } from '../../kubernetes/errors.ts';
import { MeshError } from '../../lib/errors.ts';
import type { StoreRefusal } from '../../rules/store.ts';
import type { StoredKind } from './kinds.ts';

/** Reports whether the server says that the object, or its namespace, does not exist. */
export const isNotFound = ({ status, reason }: KubernetesError): boolean => status === 404 && reason === 'NotFound';

/**
 * Translates the server's refusal of an object: by its definition, an admission webhook, a quota, or RBAC. Null where
 * the server could not decide.
 */
export function rejectionOf(error: KubernetesError, { plural, apiVersion }: StoredKind): StoreRefusal | null {
  const { status: code, message } = error;
  if (code === 404 && error.reason === '') {
    const cure = `it has no ${plural} of ${apiVersion}; apply their CustomResourceDefinition`;
    return { type: 'rejected', code, message: cure };
  }
  return [400, 403, 404, 405, 413, 422].includes(code) ? { type: 'rejected', code, message } : null;
}

/** Builds the error of a request that the server did not answer, or could not serve. */
export function unavailable(cause: unknown, outcome: 'nothing was written' | 'it may have been written'): MeshError {
  const { message } = unreachable(cause);
  const text = `the API server behind the rules store cannot be used (${message}): ${outcome}; try again`;
  return new MeshError('STORE_UNAVAILABLE', text, { cause });
}
