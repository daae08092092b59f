import { typeRows, type XdsType } from '../../proto/resource.ts';
import type { RejectedVersion } from '../isolation/known-rejections.ts';
import { cursorAt } from '../tables/baseline.ts';
import { markAll } from '../tables/marks.ts';
import type { NameSet } from '../tables/names.ts';
import type { DeltaRequest, SotwRequest } from '../wire/request.ts';
import type { Response } from '../wire/response.ts';
import { acknowledge, reject } from './answer.ts';
import { addSubscribed } from './must-send.ts';
import {
  lastSentOf,
  none,
  recordKnownVersions,
  type StreamContext,
  type StreamState,
  subscribeTo,
  type TypeState,
  typeState,
  withUnknownVersions,
} from './stream.ts';

/** Meaning of a request, for logs, metrics and status. The state has changed accordingly. */
export type RequestOutcome =
  | { readonly kind: 'subscribed'; readonly type: XdsType }
  | {
      readonly kind: 'acknowledged';
      readonly type: XdsType;
      readonly response: Response;
      /** Time by `StreamContext.now`. */
      readonly atMs: number;
      /**
       * True if the request is nothing but an ACK: equal bytes have equal effect on every stream with this
       * subscription.
       */
      readonly isAckOnly: boolean;
    }
  | {
      readonly kind: 'rejected';
      readonly type: XdsType;
      readonly response: Response;
      readonly error: string;
      readonly rejectedNames: readonly string[];
      /** Parts that the client is now known to reject. */
      readonly rejectedVersions: readonly RejectedVersion[];
      /** True if a search for the rejected parts continues with the next answers. */
      readonly isSearching: boolean;
    }
  | { readonly kind: 'stale'; readonly type: XdsType }
  | { readonly kind: 'unknown-type'; readonly typeUrl: string };

/**
 * Applies a state-of-the-world request: an answer to the newest response, a subscription, or both.
 *
 * @throws TooManyNames; the stream is not to be used afterwards.
 */
export function receiveSotw(stream: StreamState, request: SotwRequest, context: StreamContext): RequestOutcome {
  const { type } = request;
  if (type === null) return { kind: 'unknown-type', typeUrl: request.typeUrl };
  const isFirst = !stream.types.has(type);
  const state = typeState(stream, type, context);
  markAll(stream);
  const last = lastSentOf(state);
  // A nonce of an earlier stream, perhaps to another server, is a new subscription.
  const answers = request.nonce !== '' && last !== null;
  const isStale = answers && request.nonce !== last?.nonce;
  const grows = stream.growingTypes.includes(type) && !isFirst;
  if (isStale && !grows) return { kind: 'stale', type };
  const listed = context.names.fromField(request.names, state.names);
  const outcome = answers && !isStale ? applyAnswer(stream, state, request.error, context) : null;
  if (isFirst) state.mayHaveResources = request.version !== '';
  const wanted = grows ? context.names.union(state.names, listed) : listed;
  const changed = subscribeSotw(stream, state, wanted, { isFirst, context });
  if (outcome?.kind === 'acknowledged') return { ...outcome, isAckOnly: !changed && request.node === null };
  return outcome ?? { kind: isStale ? 'stale' : 'subscribed', type };
}

/**
 * Applies a delta request. Its subscriptions count whatever its nonce.
 *
 * @throws TooManyNames; the stream is not to be used afterwards.
 */
export function receiveDelta(stream: StreamState, request: DeltaRequest, context: StreamContext): RequestOutcome {
  const { type } = request;
  if (type === null) return { kind: 'unknown-type', typeUrl: request.typeUrl };
  context.names.refuseMoreThanAllowed(Math.max(request.unsubscribe.length, request.initialVersions.size));
  const isFirst = !stream.types.has(type);
  const state = typeState(stream, type, context);
  markAll(stream);
  const isAnswer = request.nonce !== '' && request.nonce === state.inFlight?.nonce;
  const outcome = isAnswer ? applyAnswer(stream, state, request.error, context) : null;
  const changed = subscribeDelta(stream, state, request, { isFirst, context });
  if (outcome?.kind === 'acknowledged') return { ...outcome, isAckOnly: !changed && request.node === null };
  if (outcome !== null) return outcome;
  return request.nonce !== '' && !isFirst ? { kind: 'stale', type } : { kind: 'subscribed', type };
}

function applyAnswer(
  stream: StreamState,
  state: TypeState,
  error: string | null,
  context: StreamContext,
): RequestOutcome | null {
  const response = state.inFlight;
  if (response === null) return null; // answered before: a repetition, perhaps with other names
  if (error === null) {
    acknowledge(stream, state, response, context);
    return { kind: 'acknowledged', type: state.type, response, atMs: state.answers.ackedAtMs, isAckOnly: true };
  }
  const findings = reject(stream, state, { response, error, context });
  return { kind: 'rejected', type: state.type, response, error, ...findings, isSearching: state.search !== null };
}

interface Subscribing {
  readonly isFirst: boolean;
  readonly context: StreamContext;
}

/** @returns whether the subscription changed. */
function subscribeSotw(
  stream: StreamState,
  state: TypeState,
  listed: NameSet,
  { isFirst, context }: Subscribing,
): boolean {
  const named = listed.has('*') ? context.names.difference(listed, context.names.of(['*'])) : listed;
  const namesNothing = listed.size === 0 && (isFirst ? canBeWildcard(state.type) : state.implicitWildcard);
  const wildcard = listed.has('*') || namesNothing;
  state.implicitWildcard = namesNothing;
  if (!isFirst && wildcard === state.wildcard && named === state.names) return false;
  const added = context.names.difference(named, state.names);
  const startsWildcard = wildcard && !state.wildcard;
  state.wildcard = wildcard;
  state.names = named;
  if (startsWildcard) startWildcard(state, context);
  else if (isFirst) state.baseline = cursorAt(context.revision);
  addSubscribed(state, added, context);
  if (!wildcard && named.size === 0) resetSubscription(state);
  state.mustAnswer ||= isFirst && answersUnknown(state.type); // even without names: MOSN waits for an answer before its next request
  subscribeTo(stream, state, context);
  return true;
}

/** @returns whether the request names anything. */
function subscribeDelta(
  stream: StreamState,
  state: TypeState,
  request: DeltaRequest,
  { isFirst, context }: Subscribing,
): boolean {
  const subscribe = context.names.fromField(request.subscribe);
  const nothingAsked = subscribe.size === 0 && request.unsubscribe.length === 0;
  if (nothingAsked && !isFirst) return false;
  const star = context.names.of(['*']);
  const asked = subscribe.has('*') ? context.names.difference(subscribe, star) : subscribe;
  const dropped = context.names.of(request.unsubscribe);
  const wildcard =
    subscribe.has('*') ||
    (isFirst && nothingAsked && canBeWildcard(state.type)) ||
    (state.wildcard && !dropped.has('*'));
  const startsWildcard = wildcard && !state.wildcard;
  state.wildcard = wildcard;
  state.names = context.names.difference(
    context.names.union(state.names, asked),
    context.names.difference(dropped, asked),
  );
  if (isFirst) startDelta(state, request, asked, context);
  else {
    if (startsWildcard) startWildcard(state, context);
    addSubscribed(state, asked, context);
    // Under a wildcard the client drops an unsubscribed name, but still wants it: it must be sent again.
    if (wildcard) addSubscribed(state, context.names.difference(dropped, star), context);
  }
  if (isFirst && state.type === 'endpoint') addAssignmentsOfSentClusters(stream, state);
  if (!wildcard && state.names.size === 0) resetSubscription(state);
  subscribeTo(stream, state, context);
  return true;
}

/** Adds the assignments of clusters sent before the first request for assignments (rule 2 of docs/protocol.md). */
function addAssignmentsOfSentClusters(stream: StreamState, state: TypeState): void {
  if (state.baseline.kind === 'map') {
    const wanted = stream.clustersSent.filter(({ names }) => state.wildcard || names.some(state.names.has));
    state.mustSend = [...state.mustSend, ...wanted];
  }
  stream.clustersSent = [];
}

function startDelta(state: TypeState, request: DeltaRequest, asked: NameSet, context: StreamContext): void {
  const { initialVersions } = request;
  state.mustAnswer = state.wildcard && answersUnknown(state.type);
  if (initialVersions.size > 0) {
    state.baseline = {
      kind: 'map',
      known: { id: context.nextId(), versions: initialVersions, resources: new Map(), shared: false },
    };
    addSubscribed(state, context.names.of(asked.names.filter((name) => !initialVersions.has(name))), context);
    return;
  }
  state.baseline = cursorAt(state.wildcard ? 0 : context.revision);
  addSubscribed(state, asked, context);
}

/** Begins a wildcard: everything is sent, including resources sent by name before, and removals of those. */
function startWildcard(state: TypeState, context: StreamContext): void {
  recordKnownVersions(state, context);
  const { baseline } = state;
  if (baseline.kind === 'cursor') state.baseline = cursorAt(0);
  else {
    const names = [...baseline.known.versions.keys()];
    state.baseline = { kind: 'map', known: withUnknownVersions(baseline.known, names, context) };
  }
  state.mustAnswer = answersUnknown(state.type);
}

/** Resets a subscription without names: nothing is known of the client any more. */
function resetSubscription(state: TypeState): void {
  state.baseline = cursorAt(0);
  state.mustAnswer = false;
  state.mustSend = none;
  state.deferredRemovals = none;
  state.rejectedResources = null;
  state.filters = null;
  state.acceptedParts = null;
  state.search = null;
  state.uncertain = none;
  state.acknowledged = 0;
  state.mayHaveResources = false;
  state.waitingSinceMs = null;
}

const canBeWildcard = (type: XdsType): boolean => typeRows[type].isWhole;

/** Returns true if a request for absent names is answered. */
const answersUnknown = (type: XdsType): boolean => typeRows[type].unknown !== 'unanswered';
