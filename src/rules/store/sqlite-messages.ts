import type { HistoryEntry, ObjectKey, StoredObject } from './store.ts';
import type { Decision, Write } from './write.ts';

/** What the worker is started with. */
export interface WorkerOptions {
  readonly path: string;
  readonly maxBytes: number;
}

export type WorkerRequest =
  | { readonly type: 'write'; readonly writes: readonly Write[] }
  | { readonly type: 'history'; readonly key: ObjectKey }
  | { readonly type: 'close' };

/** An error in a form that crosses threads. `code` is a code of src/lib/errors.ts. */
export interface Failure {
  readonly code: 'STORE_DAMAGED' | 'STORE_UNAVAILABLE' | 'DATA_DIR_UNWRITABLE';
  readonly message: string;
}

export type WriteOutcome =
  | { readonly ok: true; readonly decision: Decision }
  | { readonly ok: false; readonly failure: Failure };

/** `opened` or `failed` comes first; then one answer per request, in the order of the requests. */
export type WorkerAnswer =
  | { readonly type: 'opened'; readonly objects: readonly StoredObject[]; readonly revision: number }
  | { readonly type: 'written'; readonly outcomes: readonly WriteOutcome[]; readonly revision: number }
  | { readonly type: 'history'; readonly entries: readonly HistoryEntry[] }
  | { readonly type: 'failed'; readonly failure: Failure };
