import { assertNever } from '../lib/assert-never.ts';
import type { Logger } from '../lib/logger.ts';
import type { ObjectKey, ObjectList, StoreChange, StoredObject, Written } from '../rules/store.ts';
import { changeLog } from './change-log.ts';
import { type ChangeListener, storeListeners } from './listeners.ts';
import { objectIndex } from './object-index.ts';
import { keyOf, keyText } from './write.ts';

/** One write of a committed transaction, as the database thread reports it. It may have changed nothing. */
export type Commit =
  | {
      readonly action: 'created' | 'updated';
      readonly object: StoredObject;
      /** Approximate length of the JSON of this object and its predecessor: the memory that the log needs for it. */
      readonly bytes: number;
    }
  | { readonly action: 'removed'; readonly key: ObjectKey; readonly revision: number; readonly bytes: number }
  | { readonly action: 'unchanged'; readonly key: ObjectKey };

/** The committed objects of a store in memory. They answer reads, and notify the listeners of changes. */
export interface CommittedObjects {
  get(key: ObjectKey): StoredObject | null;
  list(kind: string, namespace?: string): ObjectList;
  all(): readonly StoredObject[];
  /**
   * Applies committed writes in order, within one turn of the event loop. Then notifies each listener once, with all
   * changes. `revision` is the store's counter after the writes. Returns the result of each write.
   */
  commit(commits: readonly Commit[], revision: number): readonly Written[];
  changesSince(resourceVersion: string, kind: string): readonly StoreChange[] | null;
  subscribe(listener: ChangeListener): () => void;
  revision(): number;
}

export interface CommittedOptions {
  readonly objects: Iterable<StoredObject>;
  /** The store's counter at the start. */
  readonly revision: number;
  readonly log: Logger;
}

/** Limits how far back a watch can begin. */
const logLimits = { maxChanges: 10_000, maxBytes: 32 * 1024 * 1024 };

export function committedObjects({ objects, revision: initialRevision, log }: CommittedOptions): CommittedObjects {
  const index = objectIndex();
  for (const object of objects) index.put(object);
  const changes = changeLog(initialRevision, logLimits);
  const listeners = storeListeners(log);
  let revision = initialRevision;

  const apply = (commit: Commit): { readonly written: Written; readonly change: StoreChange | null } => {
    switch (commit.action) {
      case 'created':
      case 'updated': {
        const { action, object } = commit;
        const previous = index.get(keyOf(object));
        index.put(object);
        return { written: { action, object }, change: { type: 'put', object, previous } };
      }
      case 'removed': {
        const { key } = commit;
        const object = present(key);
        index.remove(key);
        const resourceVersion = String(commit.revision);
        return { written: { action: 'removed', object }, change: { type: 'removed', key, object, resourceVersion } };
      }
      case 'unchanged':
        return { written: { action: 'unchanged', object: present(commit.key) }, change: null };
      default:
        return assertNever(commit);
    }
  };

  const present = (key: ObjectKey): StoredObject => {
    const object = index.get(key);
    if (object === null) throw new Error(`the store changed ${keyText(key)}, which is not there`);
    return object;
  };

  return {
    revision: () => revision,
    get: index.get,
    list: (kind, namespace) => ({ items: index.list(kind, namespace), resourceVersion: String(revision) }),
    all: index.all,
    commit(commits, newRevision) {
      const committed: StoreChange[] = [];
      const written = commits.map((commit) => {
        const { written: one, change } = apply(commit);
        if (change !== null) {
          committed.push(change);
          changes.append(change, 'bytes' in commit ? commit.bytes : 0);
        }
        return one;
      });
      revision = newRevision;
      listeners.notify(committed);
      return written;
    },
    changesSince(resourceVersion) {
      if (!/^(0|[1-9]\d{0,14})$/.test(resourceVersion) || Number(resourceVersion) > revision) return null;
      return changes.since(Number(resourceVersion));
    },
    subscribe: (listener) =>
      listeners.add(
        listener,
        index.all().map((object) => ({ type: 'put', object, previous: null })),
      ),
  };
}
