import { type AuditQuery, auditPageLimit } from '../rules/store.ts';

/** Maximum number of entries in one answer. */
export const pageSize = ({ limit }: AuditQuery): number => Math.min(Math.max(1, limit), auditPageLimit);

/** Exclusive upper bound of the positions to return. An invalid `before` gives 0, which matches nothing. */
export function positionLimit({ before }: AuditQuery): number {
  if (before === undefined) return Number.MAX_SAFE_INTEGER;
  return /^\d{1,15}$/.test(before) ? Number(before) : 0;
}

/** Columns that the query filters by, with the value of each. */
export const filtersOf = (query: AuditQuery) =>
  (['kind', 'namespace', 'name', 'author'] as const).flatMap((column) => {
    const value = query[column];
    return value === undefined ? [] : [{ column, value }];
  });
