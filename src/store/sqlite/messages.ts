import type {
  AuditEntry,
  AuditPage,
  AuditQuery,
  HistoryEntry,
  ObjectKey,
  StoredObject,
  StoreRefusal,
  Written,
} from '../../rules/store.ts';
import type { Commit } from '../committed.ts';
import type { Stamp } from '../write.ts';
import type { JsonPiece } from './json-pieces.ts';

/** Start-up data of the worker. */
export interface DatabaseWorkerOptions {
  readonly path: string;
  readonly maxBytes: number;
  /** The worker reports removals after this version when it starts. */
  readonly since: number;
}

/** Transactions that share a commit, without their writes, and audit entries for the same commit. */
export interface GroupHead {
  readonly transactions: readonly (Stamp & { readonly count: number })[];
  readonly notes: readonly AuditEntry[];
}

export type DatabaseRequest =
  /** Writes of the next group, as the inside of a JSON array. It has no answer. */
  | { readonly type: 'part'; readonly text: string }
  /** Commits the writes of the preceding parts. `head` is a `GroupHead` as JSON. */
  | { readonly type: 'write'; readonly head: string }
  | { readonly type: 'history'; readonly key: ObjectKey }
  | { readonly type: 'audit'; readonly query: AuditQuery }
  | { readonly type: 'close' };

/** An error that can cross threads. `code` is a code of src/lib/errors.ts. */
export interface Failure {
  readonly code: 'STORE_DAMAGED' | 'STORE_UNAVAILABLE' | 'DATA_DIR_UNWRITABLE';
  readonly message: string;
}

/** Result of a transaction. */
export type TransactionOutcome =
  /** The next `count` entries of the answer's `commits` are its writes. */
  | { readonly type: 'kept'; readonly count: number }
  /** The next `count` entries of the answer's `tried` are its writes. */
  | { readonly type: 'tried'; readonly count: number }
  | { readonly type: 'refused'; readonly index: number; readonly refusal: StoreRefusal }
  | { readonly type: 'failed'; readonly failure: Failure };

export interface WrittenAnswer {
  readonly type: 'written';
  readonly outcomes: readonly TransactionOutcome[];
  /** Reason why the notes were not written; null on success. */
  readonly notes: Failure | null;
  /** Writes of the committed transactions, in order. */
  readonly commits: readonly JsonPiece<Commit>[];
  /** Writes of the dry runs, in order. */
  readonly tried: readonly JsonPiece<Written>[];
  readonly revision: number;
}

export interface OpenedAnswer {
  readonly type: 'opened';
  readonly objects: readonly JsonPiece<StoredObject>[];
  readonly revision: number;
  readonly removals: readonly { readonly key: ObjectKey; readonly revision: number }[];
}

/** The first answer is `opened` or `failed`. Then each request except `part` and `close` has one answer, in order. */
export type DatabaseAnswer =
  | OpenedAnswer
  | WrittenAnswer
  | { readonly type: 'history'; readonly entries: readonly JsonPiece<HistoryEntry>[] }
  | { readonly type: 'audit'; readonly page: AuditPage }
  | { readonly type: 'failed'; readonly failure: Failure };
