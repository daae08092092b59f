import { typeRows, type XdsType } from '../../proto/resource.ts';
import type { GuiltyPart } from '../isolation/verdicts.ts';
import { cursorAt } from '../tables/baseline.ts';
import { markAll } from '../tables/marks.ts';
import type { NameSet } from '../tables/names.ts';
import type { DeltaRequest, SotwRequest } from '../wire/request.ts';
import type { Response } from '../wire/response.ts';
import { acknowledge, reject } from './answer.ts';
import { oweSubscribed } from './owed.ts';
import {
  lastSentOf,
  none,
  type StreamState,
  subscribeTo,
  type TypeState,
  typeState,
  type World,
  withUnsure,
  writeDown,
} from './stream.ts';

/** What a request meant: for logs, metrics and status. The state has been changed accordingly. */
export type Outcome =
  | { readonly kind: 'subscribed'; readonly type: XdsType }
  | {
      readonly kind: 'acknowledged';
      readonly type: XdsType;
      readonly response: Response;
      /** When: a reading of `World.now`. */
      readonly atMs: number;
      /** The request says nothing else: the same bytes mean the same on every stream with this subscription. */
      readonly pure: boolean;
    }
  | {
      readonly kind: 'rejected';
      readonly type: XdsType;
      readonly response: Response;
      readonly error: string;
      readonly held: readonly string[];
      /** Parts that are known now to be what the client rejects. */
      readonly guilty: readonly GuiltyPart[];
      /** It is still being found out what the client rejects: more is known after its next answers. */
      readonly isSearching: boolean;
    }
  | { readonly kind: 'stale'; readonly type: XdsType }
  | { readonly kind: 'unknown-type'; readonly typeUrl: string };

/**
 * Takes a state-of-the-world request: an answer to what was sent last, a subscription, or both.
 *
 * @throws TooManyNames; the stream is not to be used afterwards.
 */
export function receiveSotw(stream: StreamState, request: SotwRequest, world: World): Outcome {
  const { type } = request;
  if (type === null) return { kind: 'unknown-type', typeUrl: request.typeUrl };
  const isFirst = !stream.types.has(type);
  const state = typeState(stream, type, world);
  markAll(stream);
  const last = lastSentOf(state);
  // A nonce from before this stream (the client was connected elsewhere) makes no sense here: a new subscription.
  const answers = request.nonce !== '' && last !== null;
  const isStale = answers && request.nonce !== last?.nonce;
  const grows = stream.growingTypes.includes(type) && !isFirst;
  if (isStale && !grows) return { kind: 'stale', type };
  const listed = world.names.fromField(request.names, state.names);
  const outcome = answers && !isStale ? answer(stream, state, request.error, world) : null;
  if (isFirst) state.hadBefore = request.version !== '';
  const wanted = grows ? world.names.union(state.names, listed) : listed;
  const changed = subscribeSotw(stream, state, wanted, { isFirst, world });
  if (outcome?.kind === 'acknowledged') return { ...outcome, pure: !changed && request.node === null };
  return outcome ?? { kind: isStale ? 'stale' : 'subscribed', type };
}

/**
 * Takes a delta request. Its subscriptions count whatever its nonce.
 *
 * @throws TooManyNames; the stream is not to be used afterwards.
 */
export function receiveDelta(stream: StreamState, request: DeltaRequest, world: World): Outcome {
  const { type } = request;
  if (type === null) return { kind: 'unknown-type', typeUrl: request.typeUrl };
  world.names.refuseMoreThanAllowed(Math.max(request.unsubscribe.length, request.initialVersions.size));
  const isFirst = !stream.types.has(type);
  const state = typeState(stream, type, world);
  markAll(stream);
  const isAnswer = request.nonce !== '' && request.nonce === state.inFlight?.nonce;
  const outcome = isAnswer ? answer(stream, state, request.error, world) : null;
  const changed = subscribeDelta(stream, state, request, { isFirst, world });
  if (outcome?.kind === 'acknowledged') return { ...outcome, pure: !changed && request.node === null };
  if (outcome !== null) return outcome;
  return request.nonce !== '' && !isFirst ? { kind: 'stale', type } : { kind: 'subscribed', type };
}

function answer(stream: StreamState, state: TypeState, error: string | null, world: World): Outcome | null {
  const response = state.inFlight;
  if (response === null) return null; // answered before: the client repeats itself, perhaps with other names
  if (error === null) {
    acknowledge(stream, state, response, world);
    return { kind: 'acknowledged', type: state.type, response, atMs: state.ackedAtMs, pure: true };
  }
  const findings = reject(stream, state, { response, error, world });
  return { kind: 'rejected', type: state.type, response, error, ...findings, isSearching: state.search !== null };
}

interface Subscribing {
  readonly isFirst: boolean;
  readonly world: World;
}

/** @returns whether the subscription is another one than before. */
function subscribeSotw(
  stream: StreamState,
  state: TypeState,
  listed: NameSet,
  { isFirst, world }: Subscribing,
): boolean {
  const named = listed.has('*') ? world.names.difference(listed, world.names.of(['*'])) : listed;
  const namesNothing = listed.size === 0 && (isFirst ? canBeWildcard(state.type) : state.namesNothing);
  const wildcard = listed.has('*') || namesNothing;
  state.namesNothing = namesNothing;
  if (!isFirst && wildcard === state.wildcard && named === state.names) return false;
  const added = world.names.difference(named, state.names);
  const startsWildcard = wildcard && !state.wildcard;
  state.wildcard = wildcard;
  state.names = named;
  if (startsWildcard) tellEverything(state, world);
  else if (isFirst) state.baseline = cursorAt(world.revision);
  oweSubscribed(state, added, world);
  if (!wildcard && named.size === 0) forget(state);
  state.mustAnswer ||= isFirst && isAnswered(state.type); // also when nothing is asked for: MOSN waits for an answer before it goes on
  subscribeTo(stream, state, world);
  return true;
}

/** @returns whether the request names anything. */
function subscribeDelta(
  stream: StreamState,
  state: TypeState,
  request: DeltaRequest,
  { isFirst, world }: Subscribing,
): boolean {
  const subscribe = world.names.fromField(request.subscribe);
  const nothingAsked = subscribe.size === 0 && request.unsubscribe.length === 0;
  if (nothingAsked && !isFirst) return false;
  const star = world.names.of(['*']);
  const asked = subscribe.has('*') ? world.names.difference(subscribe, star) : subscribe;
  const dropped = world.names.of(request.unsubscribe);
  const wildcard =
    subscribe.has('*') ||
    (isFirst && nothingAsked && canBeWildcard(state.type)) ||
    (state.wildcard && !dropped.has('*'));
  const startsWildcard = wildcard && !state.wildcard;
  state.wildcard = wildcard;
  state.names = world.names.difference(world.names.union(state.names, asked), world.names.difference(dropped, asked));
  if (isFirst) startDelta(state, request, asked, world);
  else {
    if (startsWildcard) tellEverything(state, world);
    oweSubscribed(state, asked, world);
    // Under a wildcard an unsubscribed name is still wanted: the client has just forgotten it and must be told again.
    if (wildcard) oweSubscribed(state, world.names.difference(dropped, star), world);
  }
  if (isFirst && state.type === 'endpoint') takeClustersSent(stream, state);
  if (!wildcard && state.names.size === 0) forget(state);
  subscribeTo(stream, state, world);
  return true;
}

/** Assignments of clusters that this stream was sent before it asked for any: it needs them again (rule 2 of ADR 1). */
function takeClustersSent(stream: StreamState, state: TypeState): void {
  if (state.baseline.kind === 'map') {
    const wanted = stream.clustersSent.filter(({ names }) => state.wildcard || names.some(state.names.has));
    state.owed = [...state.owed, ...wanted];
  }
  stream.clustersSent = [];
}

function startDelta(state: TypeState, request: DeltaRequest, asked: NameSet, world: World): void {
  const { initialVersions } = request;
  state.mustAnswer = state.wildcard && isAnswered(state.type);
  if (initialVersions.size > 0) {
    state.baseline = {
      kind: 'map',
      having: { id: world.nextId(), versions: initialVersions, resources: new Map(), shared: false },
    };
    oweSubscribed(state, world.names.of(asked.names.filter((name) => !initialVersions.has(name))), world);
    return;
  }
  state.baseline = cursorAt(state.wildcard ? 0 : world.revision);
  oweSubscribed(state, asked, world);
}

/** A wildcard begins: everything is sent, also what was sent by name, and what is gone of that is still to be told. */
function tellEverything(state: TypeState, world: World): void {
  writeDown(state, world);
  const { baseline } = state;
  if (baseline.kind === 'cursor') state.baseline = cursorAt(0);
  else {
    const names = [...baseline.having.versions.keys()];
    state.baseline = { kind: 'map', having: withUnsure(baseline.having, names, world) };
  }
  state.mustAnswer = isAnswered(state.type);
}

/** Nothing is wanted any more: what was known of the client is over. */
function forget(state: TypeState): void {
  state.baseline = cursorAt(0);
  state.mustAnswer = false;
  state.owed = none;
  state.withheld = none;
  state.held = null;
  state.filters = null;
  state.takenParts = null;
  state.search = null;
  state.unsure = none;
  state.acknowledged = 0;
  state.hadBefore = false;
  state.waitingSinceMs = null;
}

const canBeWildcard = (type: XdsType): boolean => typeRows[type].isWhole;

/** Whether there is an answer when there is nothing to give. */
const isAnswered = (type: XdsType): boolean => typeRows[type].unknown !== 'unanswered';
