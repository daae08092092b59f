import type { EncodedResource } from '../proto/resource.ts';
import { oweInnocent } from './owed.ts';
import type { Response } from './response.ts';
import { none, type StreamState, type TypeState, type World, withUnsure } from './stream.ts';

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
  const named = response.brought.filter((name) => mentions(error, name));
  const verdicts = isOfOldView ? [] : named.map((name) => hold(stream, state, { name, response }));
  if (verdicts.length > 0 && !verdicts.includes('kept')) {
    oweInnocent(state, response, named, world);
    withholdAgain(state, response, world);
  }
  if (!state.unsure.includes(response.brought)) state.unsure = shortened([...state.unsure, response.brought]);
  if (state.baseline.kind === 'map') {
    state.baseline = { kind: 'map', having: withUnsure(state.baseline.having, [response.brought], world) };
  }
  return named.filter((_name, index) => verdicts[index] === 'held');
}

/** What the response took away is told again, as soon as it may be. */
function withholdAgain(state: TypeState, { nonce, revision, removed }: Response, world: World): void {
  if (removed.length === 0) return;
  const names = new Map(removed.map((name) => [name, null]));
  state.withheld = [...state.withheld, { id: `r${nonce}`, revision, names, sinceMs: world.now() }];
}

/** `over`: it is gone or repaired since. `kept`: a whole set must go on carrying it, as leaving it out would take it away. */
type Verdict = 'held' | 'over' | 'kept';

function hold(
  stream: StreamState,
  state: TypeState,
  { name, response }: { name: string; response: Response },
): Verdict {
  const entry = state.interest?.get(name);
  if (entry === undefined || entry.changed > response.revision) return 'over';
  const earlier = state.held?.get(name);
  const keep = earlier !== undefined ? earlier.keep : response.whole ? lastAcknowledged(stream, state, name) : null;
  if (keep === undefined) return 'kept';
  state.held ??= new Map();
  state.held.set(name, {
    rejectedVersion: entry.resource.version,
    keep,
    since: earlier?.since ?? state.acknowledged,
  });
  return 'held';
}

/** What the client took last of this name; null if it never had any, undefined if that is not known. */
function lastAcknowledged(stream: StreamState, state: TypeState, name: string): EncodedResource | null | undefined {
  if (state.acknowledged === 0 || stream.view === null) return state.hadBefore ? undefined : null;
  if (state.unsure.some((names) => names.includes(name))) return undefined;
  for (const table of stream.view[state.type]) {
    const resource = table.recall(name, state.acknowledged);
    if (resource !== null) return resource;
  }
  return null;
}

/** What is held stays so until another version of it is taken, or it is gone. */
function dropSettled(state: TypeState, taken: ReadonlySet<string>): void {
  state.unsure = state.unsure
    .map((names) => (names.some((name) => taken.has(name)) ? names.filter((name) => !taken.has(name)) : names))
    .filter((names) => names.length > 0);
  if (state.held === null) return;
  const isWithheld = (name: string) => state.withheld.some((batch) => batch.names.has(name));
  for (const name of state.held.keys()) {
    const isGone = state.interest?.get(name) === undefined && !isWithheld(name);
    if (taken.has(name) || isGone) state.held.delete(name);
  }
  if (state.held.size === 0) state.held = null;
}

/** The lists of responses are shared between streams: a few of them cost nothing, but they must not become many. */
function shortened(unsure: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return unsure.length <= 8 ? unsure : [[...new Set(unsure.flat())]];
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
