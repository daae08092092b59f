import { ofOtherTables, withDoubt, withoutNames } from './doubt.ts';
import { dropGone, dropTaken, holdNamed } from './held.ts';
import { mentions } from './mentions.ts';
import { isPending } from './next.ts';
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
  if (state.held !== null || state.unsure.length > 0) {
    const taken = new Set(response.brought);
    state.unsure = withoutNames(state.unsure, taken);
    dropTaken(state, taken);
    if (isAllTold(state)) dropGone(state);
  }
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
  if (isAllTold(state)) dropGone(state);
  return held?.names ?? [];
}

const isAllTold = (state: TypeState): boolean => state.interest === null || !isPending(state, state.interest);

/** What the response took away is told again, as soon as it may be. */
function withholdAgain(state: TypeState, { nonce, revision, removed }: Response, world: World): void {
  if (removed.length === 0) return;
  const names = new Map(removed.map((name) => [name, null]));
  const batch = { id: `r${nonce}`, revision, since: state.acknowledged, names, sinceMs: world.now() };
  state.withheld = [...state.withheld, batch];
}
