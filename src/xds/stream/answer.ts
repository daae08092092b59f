import { dropRepaired } from '../isolation/filter.ts';
import { partitionOf } from '../isolation/partition.ts';
import { beginSearch, convictWhole, trialRejected, trialTaken } from '../isolation/search.ts';
import type { GuiltyPart } from '../isolation/verdicts.ts';
import type { Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';
import { hasName, ofOtherTables, withDoubt, withoutNames } from './doubt.ts';
import { isBindError } from './error-text.ts';
import { alsoNamed, dropGone, dropTaken, holdNamed } from './held.ts';
import { namesIn } from './mentions.ts';
import { isPending } from './next.ts';
import { oweInnocent } from './owed.ts';
import { none, type StreamState, type TypeState, type World, withUnsure } from './stream.ts';

/** The client took the response in flight. */
export function acknowledge(stream: StreamState, state: TypeState, response: Response, world: World): void {
  state.inFlight = null;
  state.acked = response.label;
  state.answered = response.label;
  state.ackedAtMs = world.now();
  const { search } = state;
  if (search !== null && search.inFlight === response) {
    trialTaken(stream, state, search, world);
    return;
  }
  state.rejected = false;
  if (state.ofOldView !== response) {
    state.acknowledged = response.revision;
    state.hadBefore = false;
    state.takenParts = null; // the tables say again what it has
  }
  state.ofOldView = null;
  if (response.whole) state.unsure = none;
  if (state.filters !== null) {
    const taken = response.whole ? [...state.filters.keys()] : response.brought;
    dropRepaired(state, taken, { revision: response.revision, isAllTold: isAllTold(state) });
  }
  if (state.held !== null || state.unsure.length > 0) {
    const taken = new Set(response.brought);
    state.unsure = withoutNames(state.unsure, taken);
    dropTaken(state, taken);
    if (isAllTold(state)) dropGone(state);
  }
  // else something is still rejected
  if (state.held === null && state.unsure.length === 0 && state.filters === null) state.nack = null;
}

export interface Rejection {
  readonly response: Response;
  readonly error: string;
  readonly world: World;
}

/** The result of a rejection. */
export interface Findings {
  /** The names that are held: for the log, and for tracing them to their rules. */
  readonly held: readonly string[];
  /** Parts that were found to be what the client rejects. */
  readonly guilty: readonly GuiltyPart[];
}

/**
 * The client rejected the response in flight. The resources that the error names are held, and everything else is told
 * again: it may have taken none of it. When it names none, or a route configuration, of which only a part is bad, what the
 * response brought is tried in groups until it is known what the client rejects: rule 6 of ADR 1.
 */
export function reject(stream: StreamState, state: TypeState, { response, error, world }: Rejection): Findings {
  const { search } = state;
  const isOfOldView = state.ofOldView === response;
  state.inFlight = null;
  state.ofOldView = null;
  state.rejected = true;
  state.nacked = response.label;
  state.answered = response.label;
  state.nack = error;
  state.nackedAtMs = world.now();
  if (search !== null && search.inFlight === response) {
    return { held: none, guilty: trialRejected(stream, state, search, { error, world }) };
  }
  const tables = isOfOldView ? null : (stream.view?.[state.type] ?? null);
  const named = namedIn(state, response, error);
  const canSearch = tables !== null && named.length === 0 && mayBeSearched(state, response, error);
  const unsure = [...state.unsure.flatMap(({ names }) => names), ...response.owed];
  state.unsure = withDoubt(state.unsure, response);
  const guilty = canSearch ? beginSearch(stream, state, { response, error, tables, world, unsure }) : null;
  const findings = guilty === null ? holdWhatIsNamed(state, { response, error, named, tables, world }) : null;
  // With nothing else in it, a response that is told again would be rejected again.
  const isOthers = named.length === 0 && stream.mode === 'delta' && response.brought.length > 0;
  if (guilty !== null || isOthers) withholdAgain(state, response, world);
  if (state.baseline.kind === 'map') {
    state.baseline = { kind: 'map', having: withUnsure(state.baseline.having, response.brought, world) };
  }
  if (isAllTold(state)) dropGone(state);
  return findings ?? { held: none, guilty: guilty ?? none };
}

/** Not a whole set of which it is unknown what the client has, or whose error is about what the set carried besides. */
function mayBeSearched(state: TypeState, { whole }: Response, error: string): boolean {
  if (!whole) return true;
  return state.unsure.length === 0 && state.held === null && alsoNamed(state, { error, named: none }).size === 0;
}

/** Route configurations have ports for names, which stand in any error text, and are mostly good: see `beginSearch`. */
function namedIn({ type, interest }: TypeState, { brought }: Response, error: string): readonly string[] {
  const named = [...namesIn(error, (text) => !(type === 'route' && isPort(text)) && hasName(brought, text))];
  const isDivisible = (name: string) => {
    const resource = type === 'route' ? interest?.get(name)?.resource : undefined;
    return resource !== undefined && !partitionOf('route', resource).parts.has('');
  };
  return named.some(isDivisible) ? none : named;
}

const isPort = (name: string): boolean => /^\d+$/.test(name);

interface Named extends Rejection {
  readonly named: readonly string[];
  readonly tables: readonly Table[] | null;
}

function holdWhatIsNamed(state: TypeState, { response, error, named, tables, world }: Named): Findings {
  if (tables === null) {
    state.unsure = ofOtherTables(state.unsure);
    return { held: none, guilty: none };
  }
  const { names: held, isToldAgain } = holdNamed(state, { response, error, named, tables });
  if (isToldAgain) {
    oweInnocent(state, response, named, world);
    withholdAgain(state, response, world);
  }
  const guilty = held
    .filter((name) => !isBindError(error, name)) // a port that is taken is no fault of the listener
    .flatMap((name) => convictWhole(state, { name, error, tables, world }));
  return { held, guilty };
}

const isAllTold = (state: TypeState): boolean => state.interest === null || !isPending(state, state.interest);

/** Sends the removals of the response again, as soon as the order allows. */
function withholdAgain(state: TypeState, { nonce, revision, removed }: Response, world: World): void {
  if (removed.length === 0) return;
  const names = new Map(removed.map((name) => [name, null]));
  const batch = {
    id: `r${nonce}`,
    revision,
    since: state.acknowledged,
    names,
    sinceMs: world.now(),
    replacedAtMs: null,
  };
  state.withheld = [...state.withheld, batch];
}
