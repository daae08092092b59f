import type { StoreChange } from './store.ts';

export interface ChangeLogOptions {
  readonly maxChanges: number;
  /** Of the objects' JSON, as far as it was given. */
  readonly maxBytes: number;
}

/** The newest committed changes, in commit order; the oldest are forgotten when there are too many. */
export interface ChangeLog {
  append(change: StoreChange, bytes: number): void;
  /** The changes after `revision`, or null when some of them are forgotten. */
  since(revision: number): readonly StoreChange[] | null;
}

/** An empty log, which begins after `startRevision`. */
export function changeLog(startRevision: number, { maxChanges, maxBytes }: ChangeLogOptions): ChangeLog {
  let changes: ({ readonly change: StoreChange; readonly bytes: number } | null)[] = [];
  let first = 0; // before it are empty places, cut off now and then; from it on there are none
  let forgottenUpTo = startRevision;
  let bytesHeld = 0;

  const forgetOldest = (): void => {
    const oldest = changes[first];
    if (oldest === undefined || oldest === null) return;
    changes[first++] = null;
    bytesHeld -= oldest.bytes;
    forgottenUpTo = revisionOf(oldest.change);
  };

  /** The first change after `revision`; versions grow along the log. */
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
