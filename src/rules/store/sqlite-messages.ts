import type { Commit } from './committed.ts';
import type { JsonPiece } from './json-pieces.ts';
import type {
  AuditEntry,
  AuditPage,
  AuditQuery,
  HistoryEntry,
  ObjectKey,
  StoredObject,
  StoreRefusal,
  Written,
} from './store.ts';
import type { Stamp } from './write.ts';

/** What the worker is started with. */
export interface WorkerOptions {
  readonly path: string;
  readonly maxBytes: number;
  /** Removals after this version are told at the start. */
  readonly since: number;
}

/** Transactions that share a commit, without their writes, and entries of the audit trail that go with them. */
export interface GroupHead {
  readonly transactions: readonly (Stamp & { readonly count: number })[];
  readonly notes: readonly AuditEntry[];
}

export type WorkerRequest =
  /** Writes of the next group, the inside of a JSON array. It has no answer. */
  | { readonly type: 'part'; readonly text: string }
  /** Keeps the writes of the parts before it. `head` is a `GroupHead` as JSON. */
  | { readonly type: 'write'; readonly head: string }
  | { readonly type: 'history'; readonly key: ObjectKey }
  | { readonly type: 'audit'; readonly query: AuditQuery }
  | { readonly type: 'close' };

/** An error in a form that crosses threads. `code` is a code of src/lib/errors.ts. */
export interface Failure {
  readonly code: 'STORE_DAMAGED' | 'STORE_UNAVAILABLE' | 'DATA_DIR_UNWRITABLE';
  readonly message: string;
}

/** What became of a transaction. */
export type Outcome =
  /** `count` of the answer's `commits` are its writes. */
  | { readonly type: 'kept'; readonly count: number }
  /** `count` of the answer's `tried` are its writes. */
  | { readonly type: 'tried'; readonly count: number }
  | { readonly type: 'refused'; readonly index: number; readonly refusal: StoreRefusal }
  | { readonly type: 'failed'; readonly failure: Failure };

export interface WrittenAnswer {
  readonly type: 'written';
  readonly outcomes: readonly Outcome[];
  /** Why the notes were not written; null when they were. */
  readonly notes: Failure | null;
  /** Of the transactions that were kept, in order. */
  readonly commits: readonly JsonPiece<Commit>[];
  /** Of dry runs, in order. */
  readonly tried: readonly JsonPiece<Written>[];
  readonly revision: number;
}

export interface OpenedAnswer {
  readonly type: 'opened';
  readonly objects: readonly JsonPiece<StoredObject>[];
  readonly revision: number;
  readonly removals: readonly { readonly key: ObjectKey; readonly revision: number }[];
}

/** `opened` or `failed` comes first; then one answer per request that has one, in the order of the requests. */
export type WorkerAnswer =
  | OpenedAnswer
  | WrittenAnswer
  | { readonly type: 'history'; readonly entries: readonly JsonPiece<HistoryEntry>[] }
  | { readonly type: 'audit'; readonly page: AuditPage }
  | { readonly type: 'failed'; readonly failure: Failure };
