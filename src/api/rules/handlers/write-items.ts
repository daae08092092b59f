import { MeshError } from '../../../lib/errors.ts';
import type { Authorship, RuleStore, StoreRefusal, StoreWrite, Written } from '../../../rules/store.ts';
import { choiceParameter, type queryOf } from '../parameters.ts';

/** Outcome of writes that belong together: all results, or the first failure and what was written before it. */
export type ItemsOutcome =
  | { readonly ok: true; readonly value: readonly Written[] }
  | { readonly ok: false; readonly error: ItemsFailure };

export interface ItemsFailure {
  readonly index: number;
  readonly refusal: StoreRefusal;
  /** Empty after a transaction. */
  readonly written: readonly Written[];
}

/** Reports whether all items must be written or none: `atomic=false` allows to write them one after another. */
export const isAtomic = (query: ReturnType<typeof queryOf>): boolean =>
  choiceParameter(query, 'atomic', { choices: ['true', 'false'], otherwise: 'true' }) === 'true';

/** Writes all as one transaction, or one after another where the store has none and that is allowed. */
export async function writeItems(
  store: RuleStore,
  writes: readonly StoreWrite[],
  { author, atomic }: { readonly author: Authorship; readonly atomic: boolean },
): Promise<ItemsOutcome> {
  if (atomic || store.capabilities.transactions) {
    const done = await store.transact(writes, author);
    return done.ok ? done : { ok: false, error: { ...done.error, written: [] } };
  }
  const written: Written[] = [];
  for (const [index, write] of writes.entries()) {
    const done = await store.transact([write], author).catch((cause: unknown) => {
      throw afterSome(cause, written.length, writes.length);
    });
    if (!done.ok) return { ok: false, error: { index, refusal: done.error.refusal, written } };
    written.push(...done.value);
  }
  return { ok: true, value: written };
}

/** Says what was written before the store failed. */
function afterSome(cause: unknown, done: number, all: number): unknown {
  if (!(cause instanceof MeshError)) return cause;
  return new MeshError(cause.code, `${cause.message} (${done} of ${all} objects were written before it)`, { cause });
}
