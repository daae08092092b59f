import type { EncodedResource } from '../../proto/resource.ts';
import type { Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';
import { mayHave, recall, withBlame } from './doubt.ts';
import { namesIn } from './mentions.ts';
import type { Held, TypeState } from './stream.ts';

/** A rejection, as far as it decides on what is held. */
export interface Named {
  readonly response: Response;
  readonly error: string;
  /** Those that the response brought and the error names. */
  readonly named: readonly string[];
  readonly tables: readonly Table[];
}

/** Holds what the error names. The rest is told again if that leads anywhere. */
export function holdNamed(state: TypeState, rejection: Named): { names: string[]; isToldAgain: boolean } {
  const { response, named, tables } = rejection;
  const also = response.whole ? alsoNamed(state, rejection) : nothing;
  const rejected = new Map(also);
  for (const name of named) {
    const resource = recall(tables, name, response.revision);
    if (resource !== null && resource !== undefined) rejected.set(name, resource);
  }
  if (response.whole) state.unsure = withBlame(state.unsure, tables, rejected);
  const verdicts = new Map([...rejected].map(([name, resource]) => [name, hold(state, name, resource, rejection)]));
  return {
    names: named.filter((name) => verdicts.get(name) === 'held'),
    isToldAgain: named.length + also.size > 0 && !verdicts.values().some((verdict) => verdict === 'kept'),
  };
}

/**
 * What a whole set carried though it did not bring it: withheld removals, and what stands in for other versions. That the
 * client acknowledged something is believed more than an error that names it.
 */
export function alsoNamed(
  state: TypeState,
  { error, named }: Pick<Named, 'error' | 'named'>,
): ReadonlyMap<string, EncodedResource> {
  const carried = new Map<string, EncodedResource | null>();
  for (const { names } of state.withheld) for (const [name, resource] of names) carried.set(name, resource);
  for (const [name, { keep, acknowledged }] of state.held ?? []) carried.set(name, keep === acknowledged ? null : keep);
  const also = new Map<string, EncodedResource>();
  if (carried.size === 0) return also;
  for (const name of namesIn(error, (text) => carried.has(text))) {
    const resource = carried.get(name) ?? null;
    if (resource !== null && !named.includes(name)) also.set(name, resource);
  }
  return also;
}

/** `over`: it is gone or repaired since. `kept`: a whole set must go on carrying it, as leaving it out would take it away. */
type Verdict = 'held' | 'over' | 'kept';

function hold(state: TypeState, name: string, rejected: EncodedResource, { response, tables }: Named): Verdict {
  const entry = state.interest?.get(name);
  const isOver = entry === undefined || entry.changed > response.revision;
  // What is over may still be withheld by the next whole set, or come back as it was.
  if (isOver && !response.whole) return 'over';
  const earlier = state.held?.get(name);
  // Nothing stands in for it in a response that need not be whole.
  const acknowledged = !response.whole ? null : earlier ? earlier.acknowledged : lastAcknowledged(state, name, tables);
  const keep = response.whole ? standInFor(state, { name, tables, acknowledged }) : null;
  const isStandIn = earlier !== undefined && earlier.keep === rejected;
  if (keep === undefined) {
    if (isStandIn) letGo(state, name);
    return isOver && !isStandIn ? 'over' : 'kept';
  }
  state.held ??= new Map();
  state.held.set(name, {
    rejectedVersion: isStandIn ? earlier.rejectedVersion : rejected.version,
    keep,
    acknowledged,
    since: earlier?.since ?? state.acknowledged,
  });
  return isOver ? 'over' : 'held';
}

function letGo(state: TypeState, name: string): void {
  state.held?.delete(name);
  if (state.held?.size === 0) state.held = null;
}

interface Rejected {
  readonly name: string;
  readonly tables: readonly Table[];
  readonly acknowledged: Held['acknowledged'];
}

/**
 * What a whole set carries in place of a rejected version: the newest that the client may have, so that it loses nothing
 * that it took from a set that it rejected for something else. Null: it has nothing; undefined: that is not known.
 */
function standInFor({ unsure }: TypeState, { name, tables, acknowledged }: Rejected): Held['acknowledged'] {
  const newest = mayHave(unsure, tables, name);
  if (newest === undefined) return acknowledged ?? undefined;
  return newest ?? acknowledged;
}

/** What the client took last of this name; null if it never had any, undefined if that is not known. */
export function lastAcknowledged(state: TypeState, name: string, tables: readonly Table[]): Held['acknowledged'] {
  if (state.acknowledged === 0) return state.hadBefore ? undefined : null;
  if (state.acked?.asked?.has(name) === false) return null;
  return recall(tables, name, state.acknowledged);
}

const nothing: ReadonlyMap<string, EncodedResource> = new Map();

/** What is held stays so until another version of it is taken, or it is gone. */
export function dropTaken(state: TypeState, taken: ReadonlySet<string>): void {
  for (const name of state.held?.keys() ?? []) if (taken.has(name)) letGo(state, name);
}

/** Only when nothing is still to be told: what went a moment ago may come back as it was. */
export function dropGone(state: TypeState): void {
  for (const name of state.held?.keys() ?? []) {
    const isWithheld = state.withheld.some((batch) => batch.names.has(name));
    if (!isWithheld && state.interest?.get(name) === undefined) letGo(state, name);
  }
}
