import { type AuditQuery, auditPageLimit } from './store.ts';

/** How many entries an answer has at most. */
export const pageSize = ({ limit }: AuditQuery): number => Math.min(Math.max(1, limit), auditPageLimit);

/** Only positions below this one are asked for. Nothing is below what is no position. */
export function positionLimit({ before }: AuditQuery): number {
  if (before === undefined) return Number.MAX_SAFE_INTEGER;
  return /^\d{1,15}$/.test(before) ? Number(before) : 0;
}

/** The columns that the query asks for. */
export const filtersOf = (query: AuditQuery) =>
  (['kind', 'namespace', 'name', 'author'] as const).flatMap((column) => {
    const value = query[column];
    return value === undefined ? [] : [{ column, value }];
  });
