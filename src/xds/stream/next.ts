import { typeRows, type XdsType } from '../../proto/resource.ts';
import { filterKnown } from '../isolation/filter.ts';
import { finish, nextTrial } from '../isolation/search.ts';
import type { Search } from '../isolation/state.ts';
import { type Baseline, baselineKey, cursorAt, isShared } from '../tables/baseline.ts';
import type { Interest } from '../tables/interest.ts';
import { hasMarks, isMarked, unmark } from '../tables/marks.ts';
import type { Revision, TableDifference } from '../tables/table.ts';
import { buildResponse } from '../wire/build-response.ts';
import type { Response } from '../wire/response.ts';
import {
  addAssignments,
  dropRemovedAssignments,
  dropUnanswered,
  namesToSend,
  portionOf,
  withMustSend,
} from './must-send.ts';
import { dropRemoved } from './rejected.ts';
import {
  type DeferredRemovals,
  lastSentOf,
  none,
  type StreamContext,
  type StreamState,
  type TypeState,
} from './stream.ts';
import { substitutesFor, substitutesKey, withoutRejected } from './substitutes.ts';

/** Time limit for which LDS and RDS wait for the CDS ACK. */
export const maxClusterWaitMs = 5_000;
/** Limit of a deferral, from when everything that replaces the removed names was sent. Many names have a shorter one. */
export const maxDeferralMs = 30_000;
export const manyDeferred = 1_000;
export const maxDeferralOfManyMs = 5_000;

/** Called when removals are sent early because they waited too long or became too many. */
export type OnForcedRelease = (type: XdsType, names: number) => void;

/**
 * Returns the next response to send on this stream now, or null. Call it until null; each response counts as in flight from
 * then on. Order: CDS, EDS, LDS, RDS.
 */
export function nextResponse(
  stream: StreamState,
  context: StreamContext,
  onForced: OnForcedRelease = () => {},
): Response | null {
  for (let isMoved = true; isMoved; ) {
    isMoved = false;
    for (let place = 0; place < stream.inOrder.length; place++) {
      const state = withWork(stream, place);
      if (state === null || state.inFlight !== null) continue;
      const { interest } = state;
      if (state.sentAtMs === 0 && context.knownRejections.size > 0) filterKnown(stream, state, interest, context);
      const wasPending = isPending(state, interest);
      const deferred = state.deferredRemovals.length;
      const response = respond({ stream, state, interest, context, onForced });
      if (response !== null) return response;
      // A type that settled without a response may release removals of an earlier type.
      isMoved ||= (wasPending && !isPending(state, interest)) || state.deferredRemovals.length < deferred;
    }
  }
  return null;
}

/** Returns true if `nextResponse` may have something. Costs less than a turn in a queue. */
export function mayHaveResponse(stream: StreamState): boolean {
  if (!hasMarks(stream)) return false;
  for (let place = 0; place < stream.inOrder.length; place++)
    if (withWork(stream, place)?.inFlight === null) return true;
  return false;
}

/** Returns the type at this place of `inOrder` if it has work. Otherwise unmarks it until the next event. */
function withWork(stream: StreamState, place: number): Subscribed | null {
  if (!isMarked(stream, place)) return null;
  const state = stream.inOrder[place] ?? null;
  if (state !== null && isSubscribed(state) && hasWork(state, state.interest)) return state;
  unmark(stream, place);
  return null;
}

type Subscribed = TypeState & { interest: Interest };

const isSubscribed = (state: TypeState): state is Subscribed => state.interest !== null;

/** Time at which to call `nextResponse` again even without an event, in ms; null: never. */
export function nextDeadline(stream: StreamState): number | null {
  if (!hasMarks(stream)) return null; // a waiting type has something to send
  let earliest: number | null = null;
  const at = (ms: number) => {
    earliest = earliest === null ? ms : Math.min(earliest, ms);
  };
  for (const state of stream.types.values()) {
    if (state.waitingSinceMs !== null) at(state.waitingSinceMs + maxClusterWaitMs);
    for (const batch of state.deferredRemovals) at((batch.replacedAtMs ?? batch.sinceMs) + maxDeferralOfManyMs);
  }
  return earliest;
}

/** Returns true if everything is sent and answered: `/debug/syncz` calls it SYNCED. */
export function isSettled(stream: StreamState, context: StreamContext): boolean {
  return [...stream.types.keys()].every((type) => settledThrough(stream, type, context) >= context.revision);
}

interface ResponseInput {
  readonly stream: StreamState;
  readonly state: TypeState;
  readonly interest: Interest;
  readonly context: StreamContext;
  readonly onForced: OnForcedRelease;
}

/** Returns true if the stream may be behind; usually one comparison. */
function hasWork(state: TypeState, interest: Interest): boolean {
  return isPending(state, interest) || state.deferredRemovals.length > 0 || state.search !== null;
}

/** Returns true if this type has something to send, or may differ from what was sent. */
export function isPending(state: TypeState, interest: Interest): boolean {
  const { baseline } = state;
  return (
    baseline.kind === 'map' ||
    interest.lastRevision > baseline.revision ||
    state.mustSend.length > 0 ||
    state.mustAnswer
  );
}

function respond(asking: ResponseInput): Response | null {
  const { stream, state, interest, context } = asking;
  const trial = tryNext(asking);
  if (trial !== null) return trial;
  dropUnanswered(state, interest, context);
  const difference = isPending(state, interest) ? interest.differenceFrom(state.baseline) : noDifference;
  dropRemovedAssignments(state, interest, difference.removed, context);
  const changed = withoutRejected(state, interest, difference.changed);
  const hasUpdates = changed.length > 0 || state.mustSend.length > 0 || state.mustAnswer;
  if (hasUpdates && mustWait(stream, state, context)) return null;
  state.waitingSinceMs = null;

  // A response with nothing but must-send names depends on these names only, not on the baseline.
  const isOnlyMustSend = difference.changed.length === 0 && difference.removed.size === 0;
  const { baseline } = state;
  const isChange = changed.length > 0 && baseline.kind === 'cursor' && baseline.revision > 0;
  state.baseline = cursorAt(context.revision);
  if (difference.removed.size > 0) withhold(asking, difference.removed, baseline);
  const released = release(asking);
  const removals = namesToRemove(state, interest, released);
  if (!hasUpdates && !canSendRemovals(stream, state, removals)) {
    dropRemoved(state);
    return null;
  }
  const revealed = isChange ? interest.lastRevision : null;
  const canShare = isOnlyMustSend || isShared(baseline);
  return send(asking, {
    changed,
    from: isOnlyMustSend ? null : baseline,
    changeRevision: revealed,
    canShare,
    released,
    removals,
  });
}

/** Records removals that must not be sent yet. */
function withhold(
  { state, interest, context }: ResponseInput,
  removed: TableDifference['removed'],
  baseline: Baseline,
): void {
  const names = withClientBytes(state, removed);
  const id = names === removed ? `${interest.id}:${baselineKey(baseline)}:${context.revision}` : `u${context.nextId()}`;
  const since = baseline.kind === 'cursor' ? baseline.revision : state.acknowledged;
  const batch = { id, revision: context.revision, since, names, sinceMs: context.now(), replacedAtMs: null };
  state.deferredRemovals = [...state.deferredRemovals, batch];
}

/**
 * Restores the client's bytes of names that reappeared and were removed again, unsent, while their removal was
 * deferred.
 */
function withClientBytes(
  { deferredRemovals: deferred }: TypeState,
  removed: TableDifference['removed'],
): TableDifference['removed'] {
  const seen = deferred.flatMap(({ names }) => [...names].filter(([name]) => removed.get(name) === null));
  return seen.length === 0 ? removed : new Map([...removed, ...seen]);
}

interface Update {
  readonly changed: readonly string[];
  /** The client's baseline, if the response depends on it. */
  readonly from: Baseline | null;
  /** See `Response.changeRevision`. */
  readonly changeRevision: Revision | null;
  /** True if another stream may be in the same state. */
  readonly canShare: boolean;
  readonly released: readonly DeferredRemovals[];
  readonly removals: readonly string[];
}

function send({ stream, state, interest, context }: ResponseInput, update: Update): Response {
  const whole = stream.mode === 'sotw' && stream.wholeTypes.includes(state.type);
  const { now, later } = whole ? { now: state.mustSend, later: none } : portionOf(state);
  const build = () => {
    const names = withMustSend(update.changed, now, interest);
    const substitutes = substitutesFor(state, interest, whole ? null : names);
    return buildResponse(interest, {
      mode: stream.mode,
      nonce: context.nextId().toString(36),
      revision: context.revision,
      changeRevision: update.changeRevision,
      names: whole && substitutes.size > 0 ? names.filter((name) => !substitutes.has(name)) : names,
      mustSend: namesToSend(now),
      removals: update.removals,
      whole,
      substitutes,
      addsNames: now.length > 0 || bringsNewNames(interest, update),
      identifier: context.identifier,
    });
  };
  const shared = interest.response(cacheKey(stream, state, { ...update, mustSend: now }), build);
  // A nonce identifies one sending: the answer to the last one must not count for the next.
  const response = shared.nonce === lastSentOf(state)?.nonce ? build() : shared;
  inFlight(stream, state, response, context);
  state.mustSend = later;
  return response;
}

/** Records that the response is sent now. */
function inFlight(stream: StreamState, state: TypeState, response: Response, context: StreamContext): Response {
  state.mustSend = none;
  state.mustAnswer = false;
  state.inFlight = response;
  state.sentAtMs = context.now();
  stream.lastSent = state;
  if (state.type === 'cluster') addAssignments(stream, response, context);
  return response;
}

/** Streams in the same state share a response. The key has everything that its content depends on. */
function cacheKey(stream: StreamState, state: TypeState, sent: Update & Pick<TypeState, 'mustSend'>): string | null {
  const { from, canShare, released, mustSend } = sent;
  if (!canShare) return null;
  const start = from === null ? '' : baselineKey(from);
  const lists = [ids(mustSend), ids(released), ids(state.deferredRemovals), substitutesKey(state)];
  return [stream.mode, stream.wholeTypes.length, start, ...lists].join('|');
}

/** Joins the ids of lists that are nearly always empty. */
const ids = (parts: readonly { readonly id: string }[]): string =>
  parts.length === 0 ? '' : parts.map((part) => part.id).join();

/** Rule 3 of docs/protocol.md: types that may refer to new clusters wait for the answer to them. */
function mustWait(stream: StreamState, state: TypeState, context: StreamContext): boolean {
  const isUnanswered = (type: XdsType) => {
    const awaited = stream.types.get(type);
    if (awaited === undefined || awaited.interest === null || awaited.inFlight === null) return false;
    return awaited.inFlight.addsNames || isPending(awaited, awaited.interest);
  };
  if (!typeRows[state.type].waitsFor.some(isUnanswered)) return false;
  state.waitingSinceMs ??= context.now();
  return context.now() - state.waitingSinceMs < maxClusterWaitMs;
}

function bringsNewNames(interest: Interest, { changed, from }: Update): boolean {
  if (from === null) return false;
  return changed.some((name) =>
    from.kind === 'map' ? !from.known.versions.has(name) : (interest.get(name)?.appeared ?? 0) > from.revision,
  );
}

/** Removes and returns the deferred removals that may be sent now: rule 4 of docs/protocol.md. */
function release({ stream, state, context, onForced }: ResponseInput): readonly DeferredRemovals[] {
  if (state.deferredRemovals.length === 0) return none;
  const settled = Math.min(...typeRows[state.type].releasedBy.map((type) => settledThrough(stream, type, context)));
  const total = state.deferredRemovals.reduce((sum, batch) => sum + batch.names.size, 0);
  const isForced = (batch: DeferredRemovals) => {
    if (batch.replacedAtMs === null && isReplaced(stream, state.type, batch)) batch.replacedAtMs = context.now();
    if (batch.replacedAtMs === null) return false;
    const longestMs = total > manyDeferred ? maxDeferralOfManyMs : maxDeferralMs;
    return context.now() - batch.replacedAtMs >= longestMs;
  };
  const released = state.deferredRemovals.filter((batch) => batch.revision <= settled || isForced(batch));
  if (released.length === 0) return none;
  state.deferredRemovals = orNone(state.deferredRemovals.filter((batch) => !released.includes(batch)));
  const early = released.filter((batch) => batch.revision > settled);
  if (early.length > 0)
    onForced(
      state.type,
      early.reduce((sum, batch) => sum + batch.names.size, 0),
    );
  return released;
}

/** Returns true if everything that must precede these removals was sent, however it was answered. */
const isReplaced = (stream: StreamState, removed: XdsType, { revision }: DeferredRemovals): boolean =>
  typeRows[removed].releasedBy.every((type) => {
    const state = stream.types.get(type);
    if (state === undefined || state.interest === null) return true;
    const { baseline, interest } = state;
    return baseline.kind === 'cursor' && (baseline.revision >= revision || interest.lastRevision <= baseline.revision);
  });

/** Revision up to which nothing of a type is unsent, unanswered, deferred or rejected on this stream. */
function settledThrough(stream: StreamState, type: XdsType, context: StreamContext): number {
  const state = stream.types.get(type);
  if (state === undefined || state.interest === null) return Number.POSITIVE_INFINITY;
  const { interest } = state;
  const isOpen =
    state.inFlight !== null || state.answers.isRejected || state.search !== null || isPending(state, interest);
  let through = isOpen ? state.acknowledged : context.revision;
  for (const { since } of state.deferredRemovals) through = Math.min(through, since);
  for (const [name, { since }] of state.rejectedResources ?? []) {
    if (interest.get(name) !== undefined) through = Math.min(through, since);
  }
  for (const [name, { since }] of state.filters ?? []) {
    if (interest.get(name) !== undefined) through = Math.min(through, since);
  }
  return through;
}

/** Excludes names that came back, or are not subscribed any more. Names removed again wait for the newer removal. */
function namesToRemove(
  { deferredRemovals: deferred }: TypeState,
  interest: Interest,
  released: readonly DeferredRemovals[],
): readonly string[] {
  if (released.length === 0 || typeRows[interest.type].gone === 'kept') return none;
  const gone = new Set<string>();
  for (const batch of released) {
    for (const name of batch.names.keys()) {
      if (!interest.includes(name) || interest.get(name) !== undefined) continue;
      if (!deferred.some(({ names }) => names.has(name))) gone.add(name);
    }
  }
  return [...gone];
}

/** A partial state-of-the-world response can express a removal only by an empty resource. */
function canSendRemovals(stream: StreamState, state: TypeState, removals: readonly string[]): boolean {
  if (removals.length === 0) return false;
  return stream.mode === 'delta' || stream.wholeTypes.includes(state.type) || typeRows[state.type].gone === 'empty';
}

/** Builds the next trial of a search. Null: there is none, or everything was tried. */
function tryNext({ stream, state, interest, context }: ResponseInput): Response | null {
  const { search } = state;
  if (search === null) return null;
  if (search.whole && interest.lastRevision > search.revision) return abandonSearch(state, search, context);
  const sent = nextTrial(state, search, interest, context);
  if (sent === null) {
    finish(stream, state, search, context); // the remaining suspects are gone
    return null;
  }
  const { whole } = search;
  const substitutes = new Map([...(whole ? substitutesFor(state, interest, null) : []), ...sent]);
  const response = buildResponse(interest, {
    mode: stream.mode,
    nonce: context.nextId().toString(36),
    revision: search.revision,
    changeRevision: null,
    names: [...sent.keys()],
    mustSend: none,
    removals: none,
    whole,
    substitutes,
    addsNames: true,
    identifier: context.identifier,
  });
  search.inFlight = response;
  const { mustSend, mustAnswer } = state;
  inFlight(stream, state, response, context);
  Object.assign(state, { mustSend, mustAnswer }); // these wait for the end of the search
  return response;
}

/** Ends a search whose whole set has changed: the new set is sent like any other. */
function abandonSearch(state: TypeState, { names, others }: Search, context: StreamContext): null {
  state.search = null;
  state.mustSend = [...state.mustSend, { id: `s${context.nextId()}`, names: [...names, ...others] }];
  return null;
}

const orNone = <T>(list: readonly T[]): readonly T[] => (list.length === 0 ? none : list);
const noDifference: TableDifference = { changed: [], removed: new Map() };
