import { MeshError } from '../../src/lib/errors.ts';
import type { Effects } from './effects.ts';
import type { Operation } from './instances.ts';
import type { Journal } from './journal.ts';

/** Number of lines from which a journal is compacted, if most of them are obsolete. */
const compactAboveLines = 10_000;

/** Operations on their way into the journal and from there into effect. */
export interface JournalWrites {
  /**
   * Persists operations, then applies them, in the order in which they were written. `names` are the instances whose state
   * changes. Rejects with STORE_UNAVAILABLE if nothing was written.
   */
  commit(operations: readonly Operation[], names: readonly string[]): Promise<void>;
  /** Applies expiries at once, even if the disk is full. After a restart such instances get one lease and expire again. */
  expire(operations: readonly Operation[]): void;
  /** Returns true if a write of the instance is pending, so that its current state is about to change. */
  isPending(name: string): boolean;
  /** Refuses further commits. */
  close(): void;
}

export interface JournalWritesOptions {
  readonly journal: Journal;
  readonly effects: Pick<Effects, 'apply' | 'snapshot' | 'table'>;
  /** Called with the result of each write of the journal; null for success. */
  readonly journalled: (failure: unknown) => void;
}

export function createJournalWrites({ journal, effects, journalled }: JournalWritesOptions): JournalWrites {
  const pending = new Map<string, number>();
  let isClosed = false;

  function settle(name: string): void {
    const writers = (pending.get(name) ?? 1) - 1;
    if (writers === 0) pending.delete(name);
    else pending.set(name, writers);
  }

  return {
    async commit(operations, names) {
      if (operations.length === 0) return;
      if (isClosed) throw new MeshError('STORE_UNAVAILABLE', 'the registration API is shutting down');
      for (const name of names) pending.set(name, (pending.get(name) ?? 0) + 1);
      try {
        await journal.append(operations);
      } catch (cause) {
        journalled(cause);
        throw new MeshError('STORE_UNAVAILABLE', 'nothing was registered: the journal cannot be written', { cause });
      } finally {
        for (const name of names) settle(name);
      }
      effects.apply(operations);
      journalled(null);
      if (journal.lines() > compactAboveLines && journal.lines() > 4 * effects.table.size()) {
        journal.compact(effects.snapshot).catch(journalled);
      }
    },
    expire(operations) {
      effects.apply(operations, 'expired');
      journal.append(operations).then(() => journalled(null), journalled);
    },
    isPending: (name) => pending.has(name),
    close() {
      isClosed = true;
    },
  };
}
