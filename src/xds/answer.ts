import { mayHave, ofOtherTables, recall, withBlame, withDoubt, withoutNames } from './doubt.ts';
import { isPending } from './next.ts';
import { oweInnocent } from './owed.ts';
import type { Response } from './response.ts';
import { type Held, none, type StreamState, type TypeState, type World, withUnsure } from './stream.ts';
import type { Table } from './table.ts';

/** The client took the response in flight. */
export function acknowledge(state: TypeState, response: Response, world: World): void {
  state.inFlight = null;
  state.rejected = false;
  if (state.ofOldView !== response) {
    state.acknowledged = response.revision;
    state.hadBefore = false;
  }
  state.ofOldView = null;
  if (response.whole) state.unsure = none;
  if (state.held !== null || state.unsure.length > 0) dropSettled(state, new Set(response.brought));
  state.acked = response.label;
  state.ackedAtMs = world.now();
  if (state.held === null && state.unsure.length === 0) state.nack = null; // else something is still rejected
}

export interface Rejection {
  readonly response: Response;
  readonly error: string;
  readonly world: World;
}

/**
 * The client rejected the response in flight. The resources that the error names are held, and everything else is told
 * again: it may have taken none of it. When it names none, nothing would be better a second time; it is unknown what the
 * client took, so that the next full comparison sends the whole of it again.
 *
 * @returns the names that are held, for the log and for tracing them to their rules.
 */
export function reject(stream: StreamState, state: TypeState, { response, error, world }: Rejection): string[] {
  const isOfOldView = state.ofOldView === response;
  state.inFlight = null;
  state.ofOldView = null;
  state.rejected = true;
  state.nacked = response.label;
  state.nack = error;
  state.unsure = withDoubt(state.unsure, response);
  const named = response.brought.filter((name) => mentions(error, name));
  const tables = isOfOldView ? null : (stream.view?.[state.type] ?? null);
  const held = tables === null ? null : holdNamed(state, { response, error, named, tables });
  if (tables === null) state.unsure = ofOtherTables(state.unsure);
  if (held?.isToldAgain === true) {
    oweInnocent(state, response, named, world);
    withholdAgain(state, response, world);
  }
  if (state.baseline.kind === 'map') {
    state.baseline = { kind: 'map', having: withUnsure(state.baseline.having, response.brought, world) };
  }
  return held?.names ?? [];
}

/** What the response took away is told again, as soon as it may be. */
function withholdAgain(state: TypeState, { nonce, revision, removed }: Response, world: World): void {
  if (removed.length === 0) return;
  const names = new Map(removed.map((name) => [name, null]));
  state.withheld = [...state.withheld, { id: `r${nonce}`, revision, names, sinceMs: world.now() }];
}

interface Named {
  readonly response: Response;
  readonly error: string;
  /** Those that the response brought and the error names. */
  readonly named: readonly string[];
  readonly tables: readonly Table[];
}

/** Holds what the error names. The rest is told again if that leads anywhere. */
function holdNamed(state: TypeState, rejection: Named): { names: string[]; isToldAgain: boolean } {
  const { response, error, named, tables } = rejection;
  const standIns = response.whole ? standInsNamed(state, error) : [];
  const rejected = new Map(standIns.map(([name, { keep }]) => [name, keep?.version ?? '']));
  for (const name of named) rejected.set(name, recall(tables, name, response.revision)?.version ?? '');
  state.unsure = withBlame(state.unsure, tables, rejected);
  const verdicts = named.map((name) => hold(state, name, rejection));
  const others = standIns.map(([name, held]) => holdInstead(state, name, held, tables));
  const all = [...verdicts, ...others];
  return {
    names: named.filter((_name, index) => verdicts[index] === 'held'),
    isToldAgain: all.some((verdict) => verdict !== 'kept') && !all.includes('kept'),
  };
}

/** `over`: it is gone or repaired since. `kept`: a whole set must go on carrying it, as leaving it out would take it away. */
type Verdict = 'held' | 'over' | 'kept';

function hold(state: TypeState, name: string, { response, tables }: Named): Verdict {
  const entry = state.interest?.get(name);
  const isOver = entry === undefined || entry.changed > response.revision;
  if (isOver && !response.whole) return 'over';
  // What is over may still be withheld by the next set, or come back as it was.
  const rejected = recall(tables, name, response.revision);
  if (rejected === null || rejected === undefined) return 'over';
  const earlier = state.held?.get(name);
  const acknowledged = earlier !== undefined ? earlier.acknowledged : lastAcknowledged(state, name, tables);
  const keep = response.whole ? standInFor(state, { name, tables, acknowledged }) : null;
  if (keep === undefined) return isOver ? 'over' : 'kept';
  state.held ??= new Map();
  const since = earlier?.since ?? state.acknowledged;
  state.held.set(name, { rejectedVersion: rejected.version, keep, acknowledged, since });
  return isOver ? 'over' : 'held';
}

/** What stands in for a rejected version of a whole set and is rejected itself: that was not what the client has. */
function standInsNamed(state: TypeState, error: string): [string, Held][] {
  return [...(state.held ?? [])].filter(
    ([name, { keep, acknowledged }]) => keep !== null && keep !== acknowledged && mentions(error, name),
  );
}

function holdInstead(state: TypeState, name: string, held: Held, tables: readonly Table[]): Verdict {
  const keep = standInFor(state, { name, tables, acknowledged: held.acknowledged });
  if (keep !== undefined) {
    state.held?.set(name, { ...held, keep });
    return 'held';
  }
  state.held?.delete(name);
  if (state.held?.size === 0) state.held = null;
  return 'kept';
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
function lastAcknowledged(state: TypeState, name: string, tables: readonly Table[]): Held['acknowledged'] {
  if (state.acknowledged === 0) return state.hadBefore ? undefined : null;
  return recall(tables, name, state.acknowledged);
}

/** What is held stays so until another version of it is taken, or it is gone. */
function dropSettled(state: TypeState, taken: ReadonlySet<string>): void {
  state.unsure = withoutNames(state.unsure, taken);
  if (state.held === null) return;
  // What went a moment ago may come back as it was: it is only gone when nothing of that is still to be told.
  const isWithheld = (name: string) => state.withheld.some((batch) => batch.names.has(name));
  const isTold = state.interest === null || !isPending(state, state.interest);
  for (const name of state.held.keys()) {
    const isGone = isTold && state.interest?.get(name) === undefined && !isWithheld(name);
    if (taken.has(name) || isGone) state.held.delete(name);
  }
  if (state.held.size === 0) state.held = null;
}

/** Whether an error speaks of this name, and not only of a longer one that contains it, or of a port. */
function mentions(error: string, name: string): boolean {
  if (name === '') return false;
  for (let at = error.indexOf(name); at >= 0; at = error.indexOf(name, at + 1)) {
    const before = error.charAt(at - 1);
    const after = error.slice(at + name.length, at + name.length + 8);
    if (!/[\w|.:-]/.test(before) && !/^(\w|[|.-]+\w)/.test(after)) return true;
  }
  return false;
}
