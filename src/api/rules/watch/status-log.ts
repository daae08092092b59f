import type { RuleId } from '../../../rules/rule.ts';
import type { StoredObject } from '../../../rules/store/store.ts';

/** That the status of an object became another one. */
export interface StatusEntry {
  /** Counts all entries that ever were. */
  readonly sequence: number;
  readonly id: RuleId;
  readonly timeMs: number;
  /** The object itself came or went, without a version of the store; null: it is there, changed in some way. */
  readonly news: ObjectNews | null;
}

/** What became of an object that the store does not have. `before`: as it was. */
export type ObjectNews = { readonly type: 'came' } | { readonly type: 'went'; readonly before: StoredObject };

/**
 * Which objects' status changed, oldest first, for watches that each keep a position in it. An object is in it once,
 * where it changed last: it is as long as there are objects, however many watches there are and however slowly they
 * read.
 */
export class StatusLog {
  #sequence = 0;
  /** In order; may hold entries that a later one of the same object replaced, at most as many as others. */
  #entries: StatusEntry[] = [];
  readonly #last = new Map<RuleId, StatusEntry>();

  /** The position behind the last entry. */
  get end(): number {
    return this.#sequence;
  }

  add(id: RuleId, timeMs: number, news: ObjectNews | null = null): void {
    const entry = { sequence: ++this.#sequence, id, timeMs, news };
    this.#entries.push(entry);
    this.#last.set(id, entry);
    this.#compact();
  }

  /** The object is no more. */
  forget(id: RuleId): void {
    if (this.#last.delete(id)) this.#compact();
  }

  clear(): void {
    this.#entries = [];
    this.#last.clear();
  }

  /** The position before everything that changed at `timeMs` or later. */
  positionAt(timeMs: number): number {
    const entry = this.#entries[this.#firstWhere((one) => one.timeMs >= timeMs)];
    return entry === undefined ? this.end : entry.sequence - 1;
  }

  /** What changed after a position: `limit` entries at most, and none that a later entry replaces. */
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

  /** Binary search: sequence and time only grow. */
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
