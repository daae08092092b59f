import type { AuditEntry, StoredObject } from '../../rules/store.ts';
import { DamagedError, type SqlRow } from './tables.ts';

/**
 * Parses a row of the `objects` table. Returns the object and its text. Throws an error that says why it is invalid.
 */
export function objectOfRow(row: SqlRow): { readonly object: StoredObject; readonly text: string } {
  const text = String(row.object);
  const where = `${row.kind}/${row.namespace}/${row.name}`;
  const object = parseObject(text, where);
  const { kind, metadata } = object;
  const inPlace = kind === row.kind && metadata?.namespace === row.namespace && metadata?.name === row.name;
  if (!inPlace) throw new DamagedError(`the object ${where} in it is another one`);
  return { object, text };
}

/**
 * Parses text that `write` stored, so the cast is sound unless the file is damaged. Damage shows as text that is not
 * JSON of this shape.
 */
function parseObject(text: string, where: string): StoredObject {
  try {
    const object: unknown = JSON.parse(text);
    if (typeof object === 'object' && object !== null) return object as StoredObject;
  } catch (cause) {
    throw new DamagedError(`the object ${where} in it is not JSON`, { cause });
  }
  throw new DamagedError(`the object ${where} in it is no object`);
}

/** Returns the text of a `HistoryEntry` for a row of the `history` table. */
export function historyTextOfRow({ revision, type, author, time, object }: SqlRow): string {
  const facts = JSON.stringify({ type, resourceVersion: String(revision), author, time });
  return `${facts.slice(0, -1)},"object":${String(object)}}`;
}

/** Values for a row of the `audit` table, without its id, in the order of the insert statement. */
export const auditValues = (entry: AuditEntry) =>
  [
    entry.time,
    entry.author,
    entry.verb,
    entry.remote,
    entry.userAgent,
    entry.kind,
    entry.namespace,
    entry.name,
    entry.code,
    entry.message,
    entry.resourceVersion,
  ] as const;

export const auditEntryOfRow = (row: SqlRow): AuditEntry => ({
  time: String(row.time),
  author: String(row.author),
  verb: String(row.verb),
  remote: String(row.remote),
  userAgent: String(row.user_agent),
  kind: String(row.kind),
  namespace: String(row.namespace),
  name: String(row.name),
  code: Number(row.code),
  message: row.message === null ? null : String(row.message),
  resourceVersion: row.revision === null ? null : String(row.revision),
});
