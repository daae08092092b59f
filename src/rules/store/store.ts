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
export interface WriteOptions extends Authorship {
  /** The version that the writer saw; another one is a conflict. Null writes whatever is there. */
  readonly expectedResourceVersion: string | null;
}

/** Who writes, for the history and the audit trail. */
export interface Authorship {
  readonly author: string;
  /** The request that asks for it; null for a change that nobody asked for over the API. */
  readonly request?: RequestFacts | null;
  /**
   * Decides, and keeps nothing: the answer is what the write would have come to. Its `resourceVersion` is the one that is
   * there now; `''` for an object that is not there.
   */
  readonly dryRun?: boolean;
}

/** What the audit trail keeps of a request. */
export interface RequestFacts {
  /** `create`, `update`, `patch`, `delete`, `deletecollection`, `batch`, `import`, `rollback`. */
  readonly verb: string;
  /** The peer's address. */
  readonly remote: string;
  readonly userAgent: string;
}

/** One write of a transaction. */
export type StoreWrite =
  | { readonly type: 'create'; readonly draft: ObjectDraft }
  | { readonly type: 'update'; readonly draft: ObjectDraft; readonly expectedResourceVersion: string | null }
  /** Creates it, or replaces what is there. */
  | { readonly type: 'apply'; readonly draft: ObjectDraft }
  /** As `apply`, for an object that was exported: it keeps these, or gets new ones where they are null. */
  | {
      readonly type: 'restore';
      readonly draft: ObjectDraft;
      readonly creationTimestamp: string | null;
      readonly uid: string | null;
    }
  | { readonly type: 'remove'; readonly key: ObjectKey; readonly expectedResourceVersion: string | null };

/** What one write of a transaction came to. `object` is what is there now; for a removal what was removed. */
export interface Written {
  readonly action: 'created' | 'updated' | 'unchanged' | 'removed';
  readonly object: StoredObject;
}

/** Why a store did not take a write, although it could have. */
export type StoreRefusal =
  | { readonly type: 'exists'; readonly current: StoredObject }
  | { readonly type: 'missing' }
  | { readonly type: 'conflict'; readonly current: StoredObject };

export type WriteResult = Result<StoredObject, StoreRefusal>;

/** All of the writes, in their order, or the first that was refused: then nothing was changed. */
export type TransactionResult = Result<readonly Written[], { readonly index: number; readonly refusal: StoreRefusal }>;

/** A committed change. */
export type StoreChange =
  | {
      readonly type: 'put';
      readonly object: StoredObject;
      /** What was there before; null when it was created. */
      readonly previous: StoredObject | null;
    }
  | {
      readonly type: 'removed';
      readonly key: ObjectKey;
      /** The object that was removed, as it was. */
      readonly object: StoredObject;
      /** Of the removal. */
      readonly resourceVersion: string;
    };

/** One entry of the audit trail: a request that changed something, or wanted to. */
export interface AuditEntry extends RequestFacts {
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  readonly author: string;
  /** Empty names where a request was about no single object. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The HTTP status: 200, 201, or why it was refused. */
  readonly code: number;
  /** Why it was refused; null for what was done. */
  readonly message: string | null;
  /** Of the change; null when nothing changed. */
  readonly resourceVersion: string | null;
}

/** Which entries of the audit trail. All that is given must fit. */
export interface AuditQuery {
  readonly limit: number;
  /** Only entries older than this position, as an answer gave it. */
  readonly before?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly author?: string;
}

/** Newest first. */
export interface AuditPage {
  readonly items: readonly AuditEntry[];
  /** For `before`, to go on; null at the end. */
  readonly next: string | null;
}

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
 * the outside world prevents rejects with STORE_UNAVAILABLE and leaves the earlier state, unless the message says that
 * nobody knows.
 *
 * `resourceVersion` is one counter of the store, growing with every change. `generation` grows only with `spec`. An
 * update that changes nothing is answered with the object as it is.
 */
export interface RuleStore {
  get(key: ObjectKey): Promise<StoredObject | null>;
  list(kind: string, namespace?: string): Promise<ObjectList>;
  create(draft: ObjectDraft, options: Authorship): Promise<WriteResult>;
  update(draft: ObjectDraft, options: WriteOptions): Promise<WriteResult>;
  /** Answers with the object that was removed. */
  remove(key: ObjectKey, options: WriteOptions): Promise<WriteResult>;
  /**
   * All of the writes or none, as one commit: listeners are told of them together. Each has a version of its own, and
   * may build on what those before it left. A long transaction is copied over several turns of the event loop: what was
   * given must not be changed before the answer.
   */
  transact(writes: readonly StoreWrite[], options: Authorship): Promise<TransactionResult>;
  /** Newest first; also of an object that was removed. At most `historyPerObject` entries, fewer of large objects. */
  history(key: ObjectKey): Promise<readonly HistoryEntry[]>;
  /**
   * What was committed after `resourceVersion`, in commit order. Null: that is further back than the log of changes
   * goes, or was never a version of this store. The log is bounded by count and bytes, and is empty after a start.
   */
  changesSince(resourceVersion: string): readonly StoreChange[] | null;
  /**
   * Writes what was refused into the audit trail. What was done is there already, if a request asked for it; what
   * changed nothing and dry runs are not. Resolves once it is written or lost; never rejects: a loss is logged.
   */
  note(entry: AuditEntry): Promise<void>;
  /** At most `auditPageLimit` entries at a time; the trail holds the newest `auditLimit`. */
  audit(query: AuditQuery): Promise<AuditPage>;
  /**
   * Calls `listener` at once with all objects there are (unless there are none), and then with every committed change,
   * in commit order, before the writer is answered. A listener that throws is logged and does not keep the others from
   * being told. The returned function ends it.
   */
  subscribe(listener: (changes: readonly StoreChange[]) => void): () => void;
  /** Finishes the writes that were begun and lets go of everything. */
  close(): Promise<void>;
}

/** How many versions of one object are kept. */
export const historyPerObject = 50;

/** How many changes the history holds over all objects, so that a removed object's does not stay for ever. */
export const historyLimit = 100_000;

/** How many entries the audit trail holds. */
export const auditLimit = 100_000;

/** How many entries one question is answered with at most: what answers it is what writes. */
export const auditPageLimit = 1_000;
