import { type HistoryEntry, historyLimit, historyPerObject, type ObjectKey } from '../../rules/store.ts';
import { keyOf, keyText } from '../write.ts';

/** The newest changes of each object, in memory: at most `historyPerObject` per object and `historyLimit` in total. */
export interface MemoryHistory {
  add(entry: HistoryEntry): void;
  /** Newest first. */
  of(key: ObjectKey): readonly HistoryEntry[];
}

export function memoryHistory(): MemoryHistory {
  const entries = new Map<string, readonly HistoryEntry[]>();
  const objectOfRevision = new Map<number, string>(); // every change has a unique revision

  const forget = (revision: number): void => {
    const object = objectOfRevision.get(revision);
    if (object === undefined) return;
    objectOfRevision.delete(revision);
    const left = (entries.get(object) ?? []).filter((entry) => Number(entry.resourceVersion) > revision);
    if (left.length === 0) entries.delete(object);
    else entries.set(object, left);
  };

  return {
    add(entry) {
      const object = keyText(keyOf(entry.object));
      const revision = Number(entry.resourceVersion);
      entries.set(object, [entry, ...(entries.get(object) ?? [])].slice(0, historyPerObject));
      objectOfRevision.set(revision, object);
      forget(revision - historyLimit);
    },
    of: (key) => entries.get(keyText(key)) ?? [],
  };
}
