import type { Revision } from '../xds/tables/table.ts';

/** Times at which the earliest change of each revision came in, in milliseconds; measures the time to an acknowledgement. */
export class ChangeTimes {
  readonly #times = new Map<Revision, number>();

  note(revision: Revision, atMs: number): void {
    this.#times.set(revision, atMs);
    for (const old of this.#times.keys()) {
      if (this.#times.size <= maxRevisions) break;
      this.#times.delete(old);
    }
  }

  of(revision: Revision): number | undefined {
    return this.#times.get(revision);
  }
}

const maxRevisions = 1_000;
