import { type AuditEntry, type AuditPage, type AuditQuery, auditLimit } from '../../rules/store.ts';
import { filtersOf, pageSize, positionLimit } from '../audit-query.ts';

/** The newest entries of the audit trail, in memory. */
export interface MemoryAudit {
  add(entry: AuditEntry): void;
  query(query: AuditQuery): AuditPage;
}

export function memoryAudit(): MemoryAudit {
  let entries: AuditEntry[] = [];
  let dropped = 0; // positions include dropped entries, so they stay valid

  return {
    add(entry) {
      entries.push(entry);
      if (entries.length < auditLimit + slack) return;
      dropped += entries.length - auditLimit;
      entries = entries.slice(-auditLimit);
    },
    query(query) {
      const limit = pageSize(query);
      const filters = filtersOf(query);
      const items: AuditEntry[] = [];
      const oldest = Math.max(0, entries.length - auditLimit);
      for (let at = Math.min(entries.length, positionLimit(query) - dropped) - 1; at >= oldest; at--) {
        const entry = entries[at];
        if (entry === undefined || filters.some(({ column, value }) => entry[column] !== value)) continue;
        if (items.length === limit) return { items, next: String(at + 1 + dropped) };
        items.push(entry);
      }
      return { items, next: null };
    },
  };
}

/** Number of entries above the limit before the excess is cut off. */
const slack = 1_000;
