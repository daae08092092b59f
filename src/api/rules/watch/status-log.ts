import type { RuleId } from '../../../rules/rule.ts';
import type { StoredObject } from '../../../rules/store.ts';

/** Change of an object's status. */
export interface StatusEntry {
  /** Number of this entry; it never repeats. */
  readonly sequence: number;
  readonly id: RuleId;
  readonly timeMs: number;
  /** Appearance or removal of an object without a store version; null for any other change. */
  readonly presence: ObjectPresence | null;
}

/** Appearance or removal of an object that the store does not have. `before` is its last state. */
export type ObjectPresence = { readonly type: 'added' } | { readonly type: 'removed'; readonly before: StoredObject };

/**
 * Log of status changes, oldest first. Each watch keeps a position in it. The log has only the last change of an
 * object. Its length depends on the number of objects, not on the number or speed of watches.
 */
export class StatusLog {
  #sequence = 0;
  /** Entries in order. At most half of them are superseded by a later entry of the same object. */
  #entries: StatusEntry[] = [];
  readonly #last = new Map<RuleId, StatusEntry>();

  /** Position after the last entry. */
  get end(): number {
    return this.#sequence;
  }

  add(id: RuleId, timeMs: number, presence: ObjectPresence | null = null): void {
    const entry = { sequence: ++this.#sequence, id, timeMs, presence };
    this.#entries.push(entry);
    this.#last.set(id, entry);
    this.#compact();
  }

  /** Drops a deleted object. */
  forget(id: RuleId): void {
    if (this.#last.delete(id)) this.#compact();
  }

  clear(): void {
    this.#entries = [];
    this.#last.clear();
  }

  /** Returns the position before all changes at or after `timeMs`. */
  positionAt(timeMs: number): number {
    const entry = this.#entries[this.#firstWhere((one) => one.timeMs >= timeMs)];
    return entry === undefined ? this.end : entry.sequence - 1;
  }

  /** Returns at most `limit` current entries after a position. */
  after(position: number, limit: number): readonly StatusEntry[] {
    const found: StatusEntry[] = [];
    for (let index = this.#firstWhere((one) => one.sequence > position); index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || found.length === limit) break;
      if (this.#last.get(entry.id) === entry) found.push(entry);
    }
    return found;
  }

  #compact(): void {
    if (this.#entries.length <= 2 * this.#last.size + 16) return;
    this.#entries = this.#entries.filter((entry) => this.#last.get(entry.id) === entry);
  }

  /** Binary search; sequence and time only grow. */
  #firstWhere(holds: (entry: StatusEntry) => boolean): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && holds(entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
