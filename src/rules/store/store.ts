import type { Result } from '../../lib/result.ts';
import type { RuleMetadata } from '../rule.ts';

/** Names one object of a store. */
export interface ObjectKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** An object as its author wrote it, with the metadata that the store gave it. Immutable. */
export interface StoredObject {
  readonly kind: string;
  /** Group and version that it was written in. */
  readonly apiVersion: string;
  readonly metadata: RuleMetadata;
  /** As written, not the schema's output: what is read back is what was sent. JSON. */
  readonly spec: unknown;
}

/** What a writer gives; the rest of the metadata is the store's. */
export interface ObjectDraft {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
}

/** Who writes, and on which condition. */
export interface WriteOptions {
  /** Who wrote it, for the history. */
  readonly author: string;
  /** The version that the writer saw; another one is a conflict. Null writes whatever is there. */
  readonly expectedResourceVersion: string | null;
}

/** Why a store did not take a write, although it could have. */
export type StoreRefusal =
  | { readonly type: 'exists'; readonly current: StoredObject }
  | { readonly type: 'missing' }
  | { readonly type: 'conflict'; readonly current: StoredObject };

export type WriteResult = Result<StoredObject, StoreRefusal>;

/** A committed change. */
export type StoreChange =
  | { readonly type: 'put'; readonly object: StoredObject }
  | { readonly type: 'removed'; readonly key: ObjectKey };

/** One change of one object. */
export interface HistoryEntry {
  readonly type: 'created' | 'updated' | 'removed';
  readonly resourceVersion: string;
  readonly author: string;
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  /** The object after the write; for a removal the object that was removed. */
  readonly object: StoredObject;
}

/** Objects as of one moment. */
export interface ObjectList {
  /** By namespace, then name. */
  readonly items: readonly StoredObject[];
  /** The newest version that any object of the store has or had. */
  readonly resourceVersion: string;
}

/**
 * Where administrators' rules are kept. It knows no kinds and validates nothing: who writes has done so, and who reads
 * does it again, as the schema may have changed since. A write is answered once it will survive a crash; a write that
 * the outside world prevents rejects with STORE_UNAVAILABLE and leaves the earlier state.
 *
 * `resourceVersion` is one counter of the store, growing with every change. `generation` grows only with `spec`. An
 * update that changes nothing is answered with the object as it is.
 */
export interface RuleStore {
  get(key: ObjectKey): Promise<StoredObject | null>;
  list(kind: string, namespace?: string): Promise<ObjectList>;
  create(draft: ObjectDraft, options: Pick<WriteOptions, 'author'>): Promise<WriteResult>;
  update(draft: ObjectDraft, options: WriteOptions): Promise<WriteResult>;
  /** Answers with the object that was removed. */
  remove(key: ObjectKey, options: WriteOptions): Promise<WriteResult>;
  /** Newest first; also of an object that was removed. At most `historyPerObject` entries. */
  history(key: ObjectKey): Promise<readonly HistoryEntry[]>;
  /**
   * Calls `listener` at once with all objects there are (unless there are none), and then with every committed change,
   * in commit order, before the writer is answered. The returned function ends it.
   */
  subscribe(listener: (changes: readonly StoreChange[]) => void): () => void;
  /** Finishes the writes that were begun and lets go of everything. */
  close(): Promise<void>;
}

/** How many versions of one object are kept. */
export const historyPerObject = 50;
