import type { FastifyRequest } from 'fastify';
import { auditPageLimit } from '../../../rules/store.ts';
import { ApiError, failure } from '../../status.ts';
import type { ApiContext } from '../context.ts';
import { countParameter, queryOf, textParameter } from '../parameters.ts';

const usualLimit = 100;

/** Handles `GET /rules/v1/audit`: changes and their authors, newest first. */
export function auditHandler({ store }: Pick<ApiContext, 'store'>) {
  return async (request: FastifyRequest) => {
    const query = queryOf(request);
    const limit = countParameter(query, 'limit') || usualLimit;
    const before = textParameter(query, 'before');
    if (!/^\d{0,15}$/.test(before)) {
      const message = 'the parameter before must be the next of an earlier answer';
      throw new ApiError(failure('BadRequest', message));
    }
    const filters = (['kind', 'namespace', 'name', 'author'] as const)
      .map((name) => [name, textParameter(query, name)] as const)
      .filter(([, value]) => value !== '');
    const page = await store.audit({
      limit: Math.min(limit, auditPageLimit),
      ...(before === '' ? {} : { before }),
      ...Object.fromEntries(filters),
    });
    return { kind: 'AuditList', ...page };
  };
}
