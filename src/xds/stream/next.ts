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
import { dropGone } from './held.ts';
import { insteadKey, insteadOf, withoutRejected } from './instead.ts';
import { dropUnanswered, oweAssignments, owedNames, portionOf, withOwed } from './owed.ts';
import { lastSentOf, none, type StreamState, type TypeState, type WithheldBatch, type World } from './stream.ts';

/** How long LDS and RDS wait for the CDS ACK. */
export const longestGateMs = 5_000;
/** How long a removal is withheld at most once what comes in its place was sent; more than so many names less long. */
export const longestWithheldMs = 30_000;
export const mostWithheld = 1_000;
export const longestManyWithheldMs = 5_000;

/** Told when removals go before their time, because they waited too long or became too many. */
export type OnForcedRelease = (type: XdsType, names: number) => void;

/**
 * The next response that may be sent on this stream now, or null. Calling it is sending it: the state takes it as in
 * flight. Ask again until null. Order: CDS, EDS, LDS, RDS.
 */
export function nextResponse(stream: StreamState, world: World, onForced: OnForcedRelease = () => {}): Response | null {
  for (let isMoved = true; isMoved; ) {
    isMoved = false;
    for (let place = 0; place < stream.inOrder.length; place++) {
      const state = withWork(stream, place);
      if (state === null || state.inFlight !== null) continue;
      const { interest } = state;
      if (state.sentAtMs === 0 && world.verdicts.size > 0) filterKnown(stream, state, interest, world);
      const wasPending = isPending(state, interest);
      const withheld = state.withheld.length;
      const response = respond({ stream, state, interest, world, onForced });
      if (response !== null) return response;
      // What has settled without a word may release removals of a type before it.
      isMoved ||= (wasPending && !isPending(state, interest)) || state.withheld.length < withheld;
    }
  }
  return null;
}

/** Whether `nextResponse` may have something: a look that costs less than its turn in a queue. */
export function mayHaveMore(stream: StreamState): boolean {
  if (!hasMarks(stream)) return false;
  for (let place = 0; place < stream.inOrder.length; place++)
    if (withWork(stream, place)?.inFlight === null) return true;
  return false;
}

/** The type at this place of `inOrder` if it has work; the others need not be looked at again before something happens. */
function withWork(stream: StreamState, place: number): Subscribed | null {
  if (!isMarked(stream, place)) return null;
  const state = stream.inOrder[place] ?? null;
  if (state !== null && isSubscribed(state) && hasWork(state, state.interest)) return state;
  unmark(stream, place);
  return null;
}

type Subscribed = TypeState & { interest: Interest };

const isSubscribed = (state: TypeState): state is Subscribed => state.interest !== null;

/** When this stream must be asked again though nothing happens on it: milliseconds, or null. */
export function nextDeadline(stream: StreamState): number | null {
  if (!hasMarks(stream)) return null; // who waits has something to send
  let earliest: number | null = null;
  const at = (ms: number) => {
    earliest = earliest === null ? ms : Math.min(earliest, ms);
  };
  for (const state of stream.types.values()) {
    if (state.waitingSinceMs !== null) at(state.waitingSinceMs + longestGateMs);
    for (const batch of state.withheld) at((batch.replacedAtMs ?? batch.sinceMs) + longestManyWithheldMs);
  }
  return earliest;
}

/** Whether everything is sent and answered: what `/debug/syncz` calls SYNCED. */
export function isSettled(stream: StreamState, world: World): boolean {
  return [...stream.types.keys()].every((type) => settledThrough(stream, type, world) >= world.revision);
}

interface Asking {
  readonly stream: StreamState;
  readonly state: TypeState;
  readonly interest: Interest;
  readonly world: World;
  readonly onForced: OnForcedRelease;
}

/** One comparison in the ordinary case: is the stream behind at all? */
function hasWork(state: TypeState, interest: Interest): boolean {
  return isPending(state, interest) || state.withheld.length > 0 || state.search !== null;
}

/** Whether there is something to send of this type, or to look for: a difference to what it was sent. */
export function isPending(state: TypeState, interest: Interest): boolean {
  const { baseline } = state;
  return (
    baseline.kind === 'map' || interest.lastRevision > baseline.revision || state.owed.length > 0 || state.mustAnswer
  );
}

function respond(asking: Asking): Response | null {
  const { stream, state, interest, world } = asking;
  const trial = tryNext(asking);
  if (trial !== null) return trial;
  dropUnanswered(state, interest, world);
  const difference = isPending(state, interest) ? interest.differenceFrom(state.baseline) : noDifference;
  const changed = withoutRejected(state, interest, difference.changed);
  const hasNews = changed.length > 0 || state.owed.length > 0 || state.mustAnswer;
  if (hasNews && mustWait(stream, state, world)) return null;
  state.waitingSinceMs = null;

  // What is only owed depends on the names alone, wherever the client stands.
  const isOnlyOwed = difference.changed.length === 0 && difference.removed.size === 0;
  const { baseline } = state;
  const isNews = changed.length > 0 && baseline.kind === 'cursor' && baseline.revision > 0;
  state.baseline = cursorAt(world.revision);
  if (difference.removed.size > 0) withhold(asking, difference.removed, baseline);
  const released = release(asking);
  const removals = goneNames(state, interest, released);
  if (!hasNews && !canTell(stream, state, removals)) {
    dropGone(state);
    return null;
  }
  const revealed = isNews ? interest.lastRevision : null;
  const canShare = isOnlyOwed || isShared(baseline);
  return send(asking, { changed, from: isOnlyOwed ? null : baseline, revealed, canShare, released, removals });
}

/** Notes that these are not told as gone before their time. */
function withhold({ state, interest, world }: Asking, removed: TableDifference['removed'], baseline: Baseline): void {
  const names = asTheyAre(state, removed);
  const id = names === removed ? `${interest.id}:${baselineKey(baseline)}:${world.revision}` : `u${world.nextId()}`;
  const since = baseline.kind === 'cursor' ? baseline.revision : state.acknowledged;
  const batch = { id, revision: world.revision, since, names, sinceMs: world.now(), replacedAtMs: null };
  state.withheld = [...state.withheld, batch];
}

/** What came and went unseen while its removal was withheld is still at the client as it was before. */
function asTheyAre({ withheld }: TypeState, removed: TableDifference['removed']): TableDifference['removed'] {
  const seen = withheld.flatMap(({ names }) => [...names].filter(([name]) => removed.get(name) === null));
  return seen.length === 0 ? removed : new Map([...removed, ...seen]);
}

interface News {
  readonly changed: readonly string[];
  /** The state that the client is in, as far as the response depends on it. */
  readonly from: Baseline | null;
  /** See `Response.news`. */
  readonly revealed: Revision | null;
  /** Whether another stream may be in the same state. */
  readonly canShare: boolean;
  readonly released: readonly WithheldBatch[];
  readonly removals: readonly string[];
}

function send({ stream, state, interest, world }: Asking, news: News): Response {
  const whole = stream.mode === 'sotw' && stream.wholeTypes.includes(state.type);
  const { now, later } = whole ? { now: state.owed, later: none } : portionOf(state);
  const build = () => {
    const names = withOwed(news.changed, now, interest);
    const instead = insteadOf(state, interest, whole ? null : names);
    return buildResponse(interest, {
      mode: stream.mode,
      nonce: world.nextId().toString(36),
      revision: world.revision,
      news: news.revealed,
      names: whole && instead.size > 0 ? names.filter((name) => !instead.has(name)) : names,
      owed: owedNames(now),
      removals: news.removals,
      whole,
      instead,
      addsNames: now.length > 0 || bringsNewNames(interest, news),
      identifier: world.identifier,
    });
  };
  const shared = interest.response(cacheKey(stream, state, { ...news, owed: now }), build);
  // A nonce stands for one sending: an answer to the last one must not count for the next.
  const response = shared.nonce === lastSentOf(state)?.nonce ? build() : shared;
  inFlight(stream, state, response, world);
  state.owed = later;
  return response;
}

/** Notes that the response goes out now. */
function inFlight(stream: StreamState, state: TypeState, response: Response, world: World): Response {
  state.owed = none;
  state.mustAnswer = false;
  state.inFlight = response;
  state.sentAtMs = world.now();
  stream.lastSent = state;
  if (state.type === 'cluster') oweAssignments(stream, response, world);
  return response;
}

/** Streams in the same state share the response: everything that decides on its content is in the key. */
function cacheKey(stream: StreamState, state: TypeState, sent: News & Pick<TypeState, 'owed'>): string | null {
  const { from, canShare, released, owed } = sent;
  if (!canShare) return null;
  const start = from === null ? '' : baselineKey(from);
  const lists = [ids(owed), ids(released), ids(state.withheld), insteadKey(state)];
  return [stream.mode, stream.wholeTypes.length, start, ...lists].join('|');
}

/** Nearly always of none. */
const ids = (parts: readonly { readonly id: string }[]): string =>
  parts.length === 0 ? '' : parts.map((part) => part.id).join();

/** Rule 3 of ADR 1: what may refer to clusters that the client is about to learn of waits for its answer. */
function mustWait(stream: StreamState, state: TypeState, world: World): boolean {
  const isUnanswered = (type: XdsType) => {
    const awaited = stream.types.get(type);
    if (awaited === undefined || awaited.interest === null || awaited.inFlight === null) return false;
    return awaited.inFlight.addsNames || isPending(awaited, awaited.interest);
  };
  if (!typeRows[state.type].waitsFor.some(isUnanswered)) return false;
  state.waitingSinceMs ??= world.now();
  return world.now() - state.waitingSinceMs < longestGateMs;
}

function bringsNewNames(interest: Interest, { changed, from }: News): boolean {
  if (from === null) return false;
  return changed.some((name) =>
    from.kind === 'map' ? !from.having.versions.has(name) : (interest.get(name)?.appeared ?? 0) > from.revision,
  );
}

/** Takes from `withheld` what may go now: rule 4 of ADR 1. */
function release({ stream, state, world, onForced }: Asking): readonly WithheldBatch[] {
  if (state.withheld.length === 0) return none;
  const settled = Math.min(...typeRows[state.type].releasedBy.map((type) => settledThrough(stream, type, world)));
  const total = state.withheld.reduce((sum, batch) => sum + batch.names.size, 0);
  const isForced = (batch: WithheldBatch) => {
    if (batch.replacedAtMs === null && isReplaced(stream, state.type, batch)) batch.replacedAtMs = world.now();
    if (batch.replacedAtMs === null) return false;
    const longestMs = total > mostWithheld ? longestManyWithheldMs : longestWithheldMs;
    return world.now() - batch.replacedAtMs >= longestMs;
  };
  const released = state.withheld.filter((batch) => batch.revision <= settled || isForced(batch));
  if (released.length === 0) return none;
  state.withheld = orNone(state.withheld.filter((batch) => !released.includes(batch)));
  const early = released.filter((batch) => batch.revision > settled);
  if (early.length > 0)
    onForced(
      state.type,
      early.reduce((sum, batch) => sum + batch.names.size, 0),
    );
  return released;
}

/** Whether everything that is to come before these removals was sent, however it was answered. */
const isReplaced = (stream: StreamState, removed: XdsType, { revision }: WithheldBatch): boolean =>
  typeRows[removed].releasedBy.every((type) => {
    const state = stream.types.get(type);
    if (state === undefined || state.interest === null) return true;
    const { baseline, interest } = state;
    return baseline.kind === 'cursor' && (baseline.revision >= revision || interest.lastRevision <= baseline.revision);
  });

/** The revision up to which nothing of a type is unsent, unanswered, withheld or rejected on this stream. */
function settledThrough(stream: StreamState, type: XdsType, world: World): number {
  const state = stream.types.get(type);
  if (state === undefined || state.interest === null) return Number.POSITIVE_INFINITY;
  const { interest } = state;
  const isOpen = state.inFlight !== null || state.rejected || state.search !== null || isPending(state, interest);
  let through = isOpen ? state.acknowledged : world.revision;
  for (const { since } of state.withheld) through = Math.min(through, since);
  for (const [name, { since }] of state.held ?? []) {
    if (interest.get(name) !== undefined) through = Math.min(through, since);
  }
  for (const [name, { since }] of state.filters ?? []) {
    if (interest.get(name) !== undefined) through = Math.min(through, since);
  }
  return through;
}

/** What came back meanwhile, or is not wanted any more, is not gone; what went once more waits for that. */
function goneNames({ withheld }: TypeState, interest: Interest, released: readonly WithheldBatch[]): readonly string[] {
  if (released.length === 0 || typeRows[interest.type].gone === 'kept') return none;
  const gone = new Set<string>();
  for (const batch of released) {
    for (const name of batch.names.keys()) {
      if (!interest.includes(name) || interest.get(name) !== undefined) continue;
      if (!withheld.some(({ names }) => names.has(name))) gone.add(name);
    }
  }
  return [...gone];
}

/** A partial state-of-the-world response can say that something is gone only by an empty resource. */
function canTell(stream: StreamState, state: TypeState, removals: readonly string[]): boolean {
  if (removals.length === 0) return false;
  return stream.mode === 'delta' || stream.wholeTypes.includes(state.type) || typeRows[state.type].gone === 'empty';
}

/** A step of the search for what the client rejects. Null: there is none, or everything was tried. */
function tryNext({ stream, state, interest, world }: Asking): Response | null {
  const { search } = state;
  if (search === null) return null;
  if (search.whole && interest.lastRevision > search.revision) return abandonSearch(state, search, world);
  const sent = nextTrial(state, search, interest, world);
  if (sent === null) {
    finish(stream, state, search, world); // what was left to be tried is gone
    return null;
  }
  const { whole } = search;
  const instead = new Map([...(whole ? insteadOf(state, interest, null) : []), ...sent]);
  const response = buildResponse(interest, {
    mode: stream.mode,
    nonce: world.nextId().toString(36),
    revision: search.revision,
    news: null,
    names: [...sent.keys()],
    owed: none,
    removals: none,
    whole,
    instead,
    addsNames: true,
    identifier: world.identifier,
  });
  search.inFlight = response;
  const { owed, mustAnswer } = state;
  inFlight(stream, state, response, world);
  Object.assign(state, { owed, mustAnswer }); // they wait for the end of the search
  return response;
}

/** A whole set has other content by now, of which nobody knows whether the client takes it: it is sent as any other. */
function abandonSearch(state: TypeState, { names, others }: Search, world: World): null {
  state.search = null;
  state.owed = [...state.owed, { id: `s${world.nextId()}`, names: [...names, ...others] }];
  return null;
}

const orNone = <T>(list: readonly T[]): readonly T[] => (list.length === 0 ? none : list);
const noDifference: TableDifference = { changed: [], removed: new Map() };
