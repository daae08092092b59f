import type { Result } from '../lib/result.ts';
import type { RuleMetadata } from './rule.ts';

/** Identifies one object of a store. */
export interface ObjectKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** An object as its author wrote it, with the metadata that the store assigned. Immutable. */
export interface StoredObject {
  readonly kind: string;
  /** Group and version in which the author wrote it. */
  readonly apiVersion: string;
  readonly metadata: RuleMetadata;
  /** JSON as the author wrote it, not the schema's output: reads return exactly what was sent. */
  readonly spec: unknown;
}

/** An object without the metadata that the store assigns. */
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

/** Author of a write, and its condition. */
export interface WriteOptions extends Authorship {
  /** Version that the writer saw. Another version is a conflict; null skips the check. */
  readonly expectedResourceVersion: string | null;
}

/** Author of a write, for the history and the audit trail. */
export interface Authorship {
  readonly author: string;
  /** The API request behind the write; null for a change without one. */
  readonly request?: RequestFacts | null;
  /**
   * Decides but commits nothing. The answer is the result that the write would have. Its `resourceVersion` is the
   * current one, or `''` for an object that does not exist.
   */
  readonly dryRun?: boolean;
}

/** Facts about a request in the audit trail. */
export interface RequestFacts {
  /** Verb: `create`, `update`, `patch`, `delete`, `deletecollection`, `batch`, `import` or `rollback`. */
  readonly verb: string;
  /** The peer's address. */
  readonly remote: string;
  readonly userAgent: string;
}

/** One write of a transaction. */
export type StoreWrite =
  | { readonly type: 'create'; readonly draft: ObjectDraft }
  | { readonly type: 'update'; readonly draft: ObjectDraft; readonly expectedResourceVersion: string | null }
  /** Creates the object or replaces it. */
  | { readonly type: 'apply'; readonly draft: ObjectDraft }
  /** Like `apply`, for an exported object. It keeps this timestamp and uid; null gets a new one. */
  | {
      readonly type: 'restore';
      readonly draft: ObjectDraft;
      readonly creationTimestamp: string | null;
      readonly uid: string | null;
    }
  | { readonly type: 'remove'; readonly key: ObjectKey; readonly expectedResourceVersion: string | null };

/** Result of one write of a transaction. `object` is the current object; for a removal, the removed one. */
export interface Written {
  readonly action: 'created' | 'updated' | 'unchanged' | 'removed';
  readonly object: StoredObject;
}

/** Reason why a store refused a write. The first three follow from its current objects. */
export type StoreRefusal =
  | { readonly type: 'exists'; readonly current: StoredObject }
  | { readonly type: 'missing' }
  | { readonly type: 'conflict'; readonly current: StoredObject }
  /** The platform that keeps the objects does not accept this one, for a reason of its own. `code` is an HTTP status. */
  | { readonly type: 'rejected'; readonly code: number; readonly message: string }
  /** The store cannot do this at all: see `StoreCapabilities`. */
  | { readonly type: 'unsupported'; readonly message: string };

export type WriteResult = Result<StoredObject, StoreRefusal>;

/** Results of all writes in order, or the first refusal. After a refusal nothing has changed. */
export type TransactionResult = Result<readonly Written[], { readonly index: number; readonly refusal: StoreRefusal }>;

/** A committed change. */
export type StoreChange =
  | {
      readonly type: 'put';
      readonly object: StoredObject;
      /** The object before the change; null when it was created. */
      readonly previous: StoredObject | null;
    }
  | {
      readonly type: 'removed';
      readonly key: ObjectKey;
      /** The object before the removal. */
      readonly object: StoredObject;
      /** Version of the removal. */
      readonly resourceVersion: string;
    };

/** One entry of the audit trail: a request that changed something, or tried to. */
export interface AuditEntry extends RequestFacts {
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  readonly author: string;
  /** Kind, namespace and name are empty when a request concerns no single object. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The HTTP status: 200, 201, or that of the refusal. */
  readonly code: number;
  /** Reason of the refusal; null on success. */
  readonly message: string | null;
  /** Version of the change; null when nothing changed. */
  readonly resourceVersion: string | null;
}

/** Filter for the audit trail. An entry must match all given fields. */
export interface AuditQuery {
  readonly limit: number;
  /** Returns only entries older than this position, which is the `next` of an earlier page. */
  readonly before?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly author?: string;
}

/** Newest first. */
export interface AuditPage {
  readonly items: readonly AuditEntry[];
  /** Value of `before` for the next page; null on the last one. */
  readonly next: string | null;
}

/** One change of one object. */
export interface HistoryEntry {
  readonly type: 'created' | 'updated' | 'removed';
  readonly resourceVersion: string;
  readonly author: string;
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  /** The object after the write; for a removal, the removed object. */
  readonly object: StoredObject;
}

/** Objects at one version of the store. */
export interface ObjectList {
  /** Sorted by namespace, then name. */
  readonly items: readonly StoredObject[];
  /** The newest version that any object of the kind has or had, or a later one. */
  readonly resourceVersion: string;
}

/**
 * Storage of administrators' rules. A store knows no kinds and validates nothing: writers validate before a write, and
 * readers validate again, as the schema may have changed since. A write resolves once it survives a crash. When the
 * outside world prevents a write, it rejects with STORE_UNAVAILABLE. The earlier state remains, unless the message says
 * that the outcome is unknown.
 *
 * Every change of an object gives it a greater `resourceVersion`. `generation` increments only when `spec` changes. An
 * update that changes nothing returns the current object.
 */
export interface RuleStore {
  readonly capabilities: StoreCapabilities;
  get(key: ObjectKey): Promise<StoredObject | null>;
  list(kind: string, namespace?: string): Promise<ObjectList>;
  create(draft: ObjectDraft, options: Authorship): Promise<WriteResult>;
  update(draft: ObjectDraft, options: WriteOptions): Promise<WriteResult>;
  /** Returns the removed object. */
  remove(key: ObjectKey, options: WriteOptions): Promise<WriteResult>;
  /**
   * Commits all of the writes or none, as one commit: each listener is called once with all of them. Every write gets
   * its own version and sees the results of the writes before it. Copying a long transaction spans several turns of the
   * event loop: the caller must not change the writes before the answer.
   */
  transact(writes: readonly StoreWrite[], options: Authorship): Promise<TransactionResult>;
  /**
   * Newest first; works for a removed object, too. Returns at most `historyPerObject` entries, fewer of large objects.
   */
  history(key: ObjectKey): Promise<readonly HistoryEntry[]>;
  /**
   * Returns the changes of objects of a kind after `resourceVersion`, in commit order; changes of other kinds may be among
   * them. Null when the log no longer has all of them, or when the kind never had this version. Count and bytes bound
   * the log; it is empty after a start.
   */
  changesSince(resourceVersion: string, kind: string): readonly StoreChange[] | null;
  /**
   * Adds a refused request to the audit trail. The store itself adds changes that a request made. Dry runs and writes
   * that changed nothing are not recorded. Resolves once the entry is written or lost; never rejects. A loss is logged.
   */
  note(entry: AuditEntry): Promise<void>;
  /** Returns at most `auditPageLimit` entries. The trail holds the newest `auditLimit`. */
  audit(query: AuditQuery): Promise<AuditPage>;
  /**
   * Calls `listener` at once with all objects, unless there are none. Later calls it with every commit, in order,
   * before the writer gets its answer. An error of a listener is logged; the other listeners are still called. The
   * returned function unsubscribes.
   */
  subscribe(listener: (changes: readonly StoreChange[]) => void): () => void;
  /** Finishes the writes that have begun, then releases all resources. */
  close(): Promise<void>;
}

/** Promises that not every store can give. Callers ask before they rely on one; nothing is imitated. */
export interface StoreCapabilities {
  /** `transact` takes several writes. Without it, more than one is refused as `unsupported`, and nothing is written. */
  readonly transactions: boolean;
  /**
   * Versions are one counter of the store: 1, 2, 3 … Without it, they grow with the changes of one kind, leave gaps, and
   * versions of different kinds are not comparable.
   */
  readonly countedVersions: boolean;
  /** `history` returns earlier versions. Without it, it returns none. */
  readonly history: boolean;
  /** The store assigns uids and timestamps, so that `restore` keeps them. Without it, the platform assigns new ones. */
  readonly ownIdentities: boolean;
}

/** Capabilities of a store that keeps its objects itself. */
export const allCapabilities: StoreCapabilities = {
  transactions: true,
  countedVersions: true,
  history: true,
  ownIdentities: true,
};

/** Number of versions kept per object. */
export const historyPerObject = 50;

/** Number of changes kept over all objects, so that the history of removed objects ends, too. */
export const historyLimit = 100_000;

/** Number of entries in the audit trail. */
export const auditLimit = 100_000;

/** Maximum number of entries in one answer: the thread that answers is the thread that writes. */
export const auditPageLimit = 1_000;
