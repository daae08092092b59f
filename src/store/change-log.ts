import type { StoreChange } from '../rules/store.ts';

export interface ChangeLogOptions {
  readonly maxChanges: number;
  /** Limit for the lengths that `append` received. */
  readonly maxBytes: number;
}

/** Newest committed changes, in commit order. The log drops the oldest when it exceeds a limit. */
export interface ChangeLog {
  append(change: StoreChange, bytes: number): void;
  /** Returns the changes after `revision`, or null when the log has dropped some of them. */
  since(revision: number): readonly StoreChange[] | null;
}

/** Creates an empty log that begins after `startRevision`. */
export function changeLog(startRevision: number, { maxChanges, maxBytes }: ChangeLogOptions): ChangeLog {
  let changes: ({ readonly change: StoreChange; readonly bytes: number } | null)[] = [];
  let first = 0; // entries before this index are null; `append` cuts them off from time to time
  let forgottenUpTo = startRevision;
  let bytesHeld = 0;

  const forgetOldest = (): void => {
    const oldest = changes[first];
    if (oldest === undefined || oldest === null) return;
    changes[first++] = null;
    bytesHeld -= oldest.bytes;
    forgottenUpTo = revisionOf(oldest.change);
  };

  /** Index of the first change after `revision`. Versions increase along the log. */
  const positionAfter = (revision: number): number => {
    let [low, high] = [first, changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = changes[middle];
      if (at !== undefined && at !== null && revisionOf(at.change) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    append(change, bytes) {
      changes.push({ change, bytes });
      bytesHeld += bytes;
      while (changes.length - first > maxChanges || (bytesHeld > maxBytes && changes.length > first)) forgetOldest();
      if (first > maxChanges) {
        changes = changes.slice(first);
        first = 0;
      }
    },
    since(revision) {
      if (revision < forgottenUpTo) return null;
      return changes.slice(positionAfter(revision)).flatMap((entry) => (entry === null ? [] : [entry.change]));
    },
  };
}

const revisionOf = (change: StoreChange): number =>
  Number(change.type === 'put' ? change.object.metadata.resourceVersion : change.resourceVersion);
