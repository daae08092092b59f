import type { EncodedResource, XdsType } from '../proto/resource.ts';
import { baselineKey, cursorAt } from './baseline.ts';
import { buildResponse } from './build-response.ts';
import type { Interest } from './interest.ts';
import type { Response } from './response.ts';
import {
  type Held,
  type Owed,
  type StreamState,
  statesInOrder,
  type TypeState,
  type WithheldBatch,
  type World,
} from './stream.ts';
import type { TableDifference } from './table.ts';

/** How long LDS and RDS wait for the CDS ACK. */
export const longestGateMs = 5_000;
/** How long, and how many names, a removal is withheld at most. */
export const longestWithheldMs = 30_000;
export const mostWithheld = 1_000;

/** The types whose settling releases a type's removals: make before break. */
const releasedBy: Readonly<Record<XdsType, readonly XdsType[]>> = {
  cluster: ['listener', 'route'],
  endpoint: ['cluster'],
  listener: [],
  route: ['listener'],
};

/** Told when removals go before their time, because they waited too long or became too many. */
export type OnForcedRelease = (type: XdsType, names: number) => void;

/**
 * The next response that may be sent on this stream now, or null. Calling it is sending it: the state takes it as in
 * flight. Ask again until null. Order: CDS, EDS, LDS, RDS.
 */
export function nextResponse(stream: StreamState, world: World, onForced: OnForcedRelease = () => {}): Response | null {
  for (const state of statesInOrder(stream)) {
    const { interest } = state;
    if (interest === null || state.inFlight !== null) continue;
    if (!hasWork(state, interest)) continue;
    const response = respond({ stream, state, interest, world, onForced });
    if (response !== null) return response;
  }
  return null;
}

/** When this stream must be asked again though nothing happens on it: milliseconds, or null. */
export function nextDeadline(stream: StreamState): number | null {
  let earliest: number | null = null;
  const at = (ms: number) => {
    earliest = earliest === null ? ms : Math.min(earliest, ms);
  };
  for (const state of stream.types.values()) {
    if (state.waitingSinceMs !== null) at(state.waitingSinceMs + longestGateMs);
    if (state.withheld[0] !== undefined) at(state.withheld[0].sinceMs + longestWithheldMs);
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
  return isPending(state, interest) || state.withheld.length > 0;
}

function isPending(state: TypeState, interest: Interest): boolean {
  const { baseline } = state;
  return (
    baseline.kind === 'map' || interest.lastRevision > baseline.revision || state.owed.length > 0 || state.mustAnswer
  );
}

function respond(asking: Asking): Response | null {
  const { stream, state, interest, world } = asking;
  const difference = isPending(state, interest) ? interest.differenceFrom(state.baseline) : noDifference;
  const changed = state.held === null ? difference.changed : withoutHeld(state.held, interest, difference.changed);
  const hasNews = changed.length > 0 || state.owed.length > 0 || state.mustAnswer;
  if (hasNews && mustWaitForClusters(stream, state, world)) return null;
  state.waitingSinceMs = null;

  // What is only owed depends on the names alone, wherever the client stands.
  const isOnlyOwed = difference.changed.length === 0 && difference.removed.size === 0;
  const from = isOnlyOwed ? '' : baselineKey(state.baseline);
  const addsNames = hasNews && bringsNewNames(state, interest, changed);
  state.baseline = cursorAt(world.revision);
  if (difference.removed.size > 0) {
    const id = `${interest.id}:${from}:${world.revision}`;
    state.withheld.push({ id, revision: world.revision, names: difference.removed, sinceMs: world.now() });
  }
  const released = release(asking);
  const removals = goneNames(interest, released);
  if (!hasNews && !canTell(stream, state, removals)) return null;
  return send(asking, { changed, addsNames, from, released, removals });
}

interface News {
  readonly changed: readonly string[];
  readonly addsNames: boolean;
  /** The state that the client is in: part of the cache key. */
  readonly from: string;
  readonly released: readonly WithheldBatch[];
  readonly removals: readonly string[];
}

function send({ stream, state, interest, world }: Asking, news: News): Response {
  const whole = stream.mode === 'sotw' && stream.wholeTypes.includes(state.type);
  const response = interest.response(cacheKey(stream, state, news), () =>
    buildResponse(interest, {
      mode: stream.mode,
      nonce: world.nextId().toString(36),
      revision: world.revision,
      names: withOwed(interest, news.changed, state),
      removals: news.removals,
      whole,
      instead: whole ? standIns(state, interest) : nothingInstead,
      addsNames: news.addsNames,
    }),
  );
  state.owed = [];
  state.mustAnswer = false;
  state.inFlight = response;
  state.lastNonce = response.nonce;
  Object.assign(state.report, { sentNonce: response.nonce, sentVersion: response.version, sentAtMs: world.now() });
  if (state.type === 'cluster') oweAssignments(stream, response);
  return response;
}

/** Streams in the same state share the response; one with rejected resources has its own. */
function cacheKey(stream: StreamState, state: TypeState, { from, released }: News): string | null {
  if (state.held !== null) return null;
  const ids = (parts: readonly { readonly id: string }[]) => parts.map((part) => part.id).join();
  return [stream.mode, stream.wholeTypes.length, from, ids(state.owed), ids(released), ids(state.withheld)].join('|');
}

/** Envoy warms a changed cluster until its assignment comes, whatever it had before: rule 2 of ADR 1. */
function oweAssignments(stream: StreamState, response: Response): void {
  if (response.brought.length === 0) return;
  const owed: Owed = { id: `c${response.nonce}`, names: response.brought };
  const endpoints = stream.types.get('endpoint');
  if (endpoints === undefined) stream.clustersSent = mergeOwed([...stream.clustersSent, owed]);
  else if (endpoints.interest !== null && owed.names.some((name) => endpoints.interest?.names.has(name))) {
    endpoints.owed.push(owed);
  }
}

/** A stream that never asks for assignments must not gather what it would be owed. */
function mergeOwed(owed: readonly Owed[]): Owed[] {
  if (owed.length <= 16) return [...owed];
  const names = [...new Set(owed.flatMap((part) => part.names))];
  return [{ id: owed.map((part) => part.id).join('+'), names }];
}

function withOwed(interest: Interest, changed: readonly string[], state: TypeState): readonly string[] {
  if (state.owed.length === 0) return changed;
  const names = new Set(changed);
  for (const { names: owed } of state.owed) {
    for (const name of owed) {
      // Clusters that are no EDS clusters, and names given back since, have no assignment to send.
      if (interest.names.has(name) || interest.get(name) !== undefined || state.type !== 'endpoint') names.add(name);
    }
  }
  return [...names];
}

function withoutHeld(held: ReadonlyMap<string, Held>, interest: Interest, names: readonly string[]): readonly string[] {
  return names.filter((name) => held.get(name)?.rejectedVersion !== interest.get(name)?.resource.version);
}

/** Rule 3 of ADR 1: what may refer to clusters that the client is about to learn of waits for its answer. */
function mustWaitForClusters(stream: StreamState, state: TypeState, world: World): boolean {
  if (state.type !== 'listener' && state.type !== 'route') return false;
  const clusters = stream.types.get('cluster');
  if (clusters === undefined || clusters.interest === null || clusters.inFlight === null) return false;
  if (!clusters.inFlight.addsNames && !isPending(clusters, clusters.interest)) return false;
  state.waitingSinceMs ??= world.now();
  return world.now() - state.waitingSinceMs < longestGateMs;
}

function bringsNewNames(state: TypeState, interest: Interest, changed: readonly string[]): boolean {
  const { baseline } = state;
  if (state.owed.length > 0) return true;
  return changed.some((name) =>
    baseline.kind === 'map'
      ? !baseline.having.versions.has(name)
      : (interest.get(name)?.appeared ?? 0) > baseline.revision,
  );
}

/** Takes from `withheld` what may go now: rule 4 of ADR 1. */
function release({ stream, state, world, onForced }: Asking): WithheldBatch[] {
  if (state.withheld.length === 0) return [];
  const settled = Math.min(...releasedBy[state.type].map((type) => settledThrough(stream, type, world)));
  const total = state.withheld.reduce((sum, batch) => sum + batch.names.size, 0);
  const isForced = (batch: WithheldBatch) => total > mostWithheld || world.now() - batch.sinceMs >= longestWithheldMs;
  const released = state.withheld.filter((batch) => batch.revision <= settled || isForced(batch));
  if (released.length === 0) return [];
  state.withheld = state.withheld.filter((batch) => !released.includes(batch));
  const early = released.filter((batch) => batch.revision > settled);
  if (early.length > 0)
    onForced(
      state.type,
      early.reduce((sum, batch) => sum + batch.names.size, 0),
    );
  return released;
}

/** The revision up to which nothing of a type is unsent, unanswered, withheld or rejected on this stream. */
function settledThrough(stream: StreamState, type: XdsType, world: World): number {
  const state = stream.types.get(type);
  if (state === undefined || state.interest === null) return Number.POSITIVE_INFINITY;
  const isOpen = state.inFlight !== null || state.rejected || isPending(state, state.interest);
  const sent = isOpen ? state.acknowledged : world.revision;
  return state.withheld[0] === undefined ? sent : Math.min(sent, state.withheld[0].revision - 1);
}

/** What came back meanwhile, or is not wanted any more, is not gone. */
function goneNames(interest: Interest, released: readonly WithheldBatch[]): readonly string[] {
  const gone = new Set<string>();
  for (const batch of released) {
    for (const name of batch.names.keys()) {
      if (interest.includes(name) && interest.get(name) === undefined) gone.add(name);
    }
  }
  return [...gone];
}

/** A partial state-of-the-world response can say that something is gone only by an empty resource. */
function canTell(stream: StreamState, state: TypeState, removals: readonly string[]): boolean {
  if (removals.length === 0) return false;
  return stream.mode === 'delta' || stream.wholeTypes.includes(state.type) || state.type === 'endpoint';
}

/** What a whole set carries besides or instead of the tables: withheld removals, and what a rejected resource was before. */
function standIns(state: TypeState, interest: Interest): ReadonlyMap<string, EncodedResource | null> {
  if (state.withheld.length === 0 && state.held === null) return nothingInstead;
  const instead = new Map<string, EncodedResource | null>();
  for (const batch of state.withheld) {
    for (const [name, resource] of batch.names) if (interest.get(name) === undefined) instead.set(name, resource);
  }
  for (const [name, { rejectedVersion, keep }] of state.held ?? []) {
    if (interest.get(name)?.resource.version === rejectedVersion) instead.set(name, keep);
  }
  return instead;
}

const nothingInstead: ReadonlyMap<string, EncodedResource | null> = new Map();
const noDifference: TableDifference = { changed: [], removed: new Map() };
