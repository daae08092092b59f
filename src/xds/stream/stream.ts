import { type EncodedResource, wholeTypes as wholeForAll, type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { KnownRejections } from '../isolation/known-rejections.ts';
import type { ResourcePart } from '../isolation/partition.ts';
import type { Filter, Search } from '../isolation/state.ts';
import { type Baseline, cursorAt, type KnownVersions } from '../tables/baseline.ts';
import type { Interest, InterestPool } from '../tables/interest.ts';
import { type Marked, markAll } from '../tables/marks.ts';
import type { NamePool, NameSet } from '../tables/names.ts';
import type { Sender } from '../tables/sender.ts';
import type { Revision, Table } from '../tables/table.ts';
import type { Mode, Response, ResponseLabel } from '../wire/response.ts';
import { type UncertainResponse, withoutRevisions } from './uncertain.ts';

/** State shared by all streams: the pools, the revision of the tables, and time. Nothing here does I/O. */
export interface StreamContext {
  readonly names: NamePool;
  readonly interests: InterestPool;
  /** The revision of the last flush. */
  revision: Revision;
  /** Milliseconds; only differences matter. */
  now(): number;
  /** Unique ids for shared baselines and nonces. */
  nextId(): number;
  /** Name of this control plane in every response (`control_plane.identifier`); empty to omit it. */
  readonly identifier: string;
  /** Rejections that other streams found. */
  readonly knownRejections: KnownRejections;
}

/** The empty list of every state. */
export const none: readonly never[] = [];

/** Names to send whatever their version. Equal ids have equal names: the id is part of cache keys. */
export interface NamesToSend {
  readonly id: string;
  readonly names: readonly string[];
  /** True for assignments of clusters that were sent: nobody asked for these names. */
  readonly isOfClusters?: true;
}

/** Removals that are not sent to the client yet. */
export interface DeferredRemovals {
  /** Equal ids have equal names: the id is part of cache keys. */
  readonly id: string;
  /** The revision that removed them. */
  readonly revision: Revision;
  /** Revision of the client's versions of them: changes between this revision and the removal were never sent. */
  readonly since: Revision;
  readonly names: ReadonlyMap<string, EncodedResource | null>;
  readonly sinceMs: number;
  /** Time at which everything that replaces them was sent; null: it waits. The limit of the deferral counts from here. */
  replacedAtMs: number | null;
}

/** A rejected resource: not sent again until it has another version. */
export interface RejectedResource {
  readonly rejectedVersion: string;
  /**
   * Version that the client has, as far as known; whole sets contain it in place of the rejected one. Null for none.
   */
  readonly substitute: EncodedResource | null;
  /** The version that it acknowledged last: `substitute` if it applied none sent since; undefined if unknown. */
  readonly acknowledged: EncodedResource | null | undefined;
  /** The revision acknowledged before it was rejected: nothing later is settled until it is repaired. */
  readonly since: Revision;
}

/** Last answers of a client to the responses of one type, for decisions about rejections and for debug views. */
export interface Answers {
  /** True if the newest answer was a NACK whose bad parts are not found yet. */
  isRejected: boolean;
  /** Labels of the responses acknowledged last and rejected last; null for none. */
  acked: ResponseLabel | null;
  nacked: ResponseLabel | null;
  /** The newer of the two. */
  newest: ResponseLabel | null;
  /** Times in milliseconds; 0 for never. */
  ackedAtMs: number;
  nackedAtMs: number;
  /** Error text of the last NACK, until nothing is rejected any more. */
  error: string | null;
}

/**
 * State of one type on one stream; docs/protocol.md explains each part. The fields that every flush reads come first, and
 * all empty lists are one object: with thousands of streams, a flush costs as much as its cache misses.
 */
export interface TypeState {
  readonly type: XdsType;
  /** Interest; null without a subscription or a view. */
  interest: Interest | null;
  inFlight: Response | null;
  baseline: Baseline;
  /** The first wildcard request is answered even when there is nothing to send. */
  mustAnswer: boolean;
  mustSend: readonly NamesToSend[];
  deferredRemovals: readonly DeferredRemovals[];
  wildcard: boolean;
  /**
   * True for a SotW wildcard that exists because no request has listed a name yet. Further requests without names keep
   * it.
   */
  implicitWildcard: boolean;
  names: NameSet;
  /** Rejected resources by name; null rather than empty. */
  rejectedResources: Map<string, RejectedResource> | null;
  /** Parts of resources that the client rejects, by resource: it is sent a substitute or nothing. Null rather than empty. */
  filters: Map<string, Filter> | null;
  /** Parts accepted in a search whose resources changed meanwhile, until the client answers to them again. Null rather than empty. */
  acceptedParts: Map<string, ReadonlyMap<string, ResourcePart>> | null;
  /** The search for what the client rejects of a response. Meanwhile nothing else of this type is sent. */
  search: Search | null;
  /** Rejected responses after which the client's versions of their names are unknown. */
  uncertain: readonly UncertainResponse[];
  /** Revision acknowledged last; 0: nothing yet of the present view. */
  acknowledged: Revision;
  /** True if the client may have resources of another server or view. Reset by its next acknowledgement. */
  mayHaveResources: boolean;
  /** The response that was in flight when the view changed. Its answer says nothing about the present view. */
  inFlightOfPreviousScope: Response | null;
  /** Time at which the newest response was sent; `lastSentOf` says which. */
  sentAtMs: number;
  readonly answers: Answers;
  /** Time since which LDS or RDS has waited for the CDS ACK. */
  waitingSinceMs: number | null;
}

/** A client's stream: one aggregated stream, or one of a single type. */
export interface StreamState extends Marked {
  readonly mode: Mode;
  /** Types that are whole sets in SotW responses: CDS and LDS; for MOSN and gRPC routes too. */
  readonly wholeTypes: readonly XdsType[];
  /** Types whose subscription never shrinks, because acknowledgements do not repeat it: routes of MOSN. */
  readonly growingTypes: readonly XdsType[];
  /** States by type; a type is present after its first request. */
  readonly types: Map<XdsType, TypeState>;
  /** The same in sending order, `xdsTypes`. Null: no request yet. */
  inOrder: readonly (TypeState | null)[];
  /** The type of the newest response: most answers are to it. */
  lastSent: TypeState | null;
  /** The tables of the view, by type. Null until the proxy's layers are compiled. */
  view: View | null;
  /** Clusters sent before the first request for assignments: their assignments must be sent then. */
  clustersSent: readonly NamesToSend[];
  /** Sends the responses of this stream. */
  sender: Sender | null;
}

/** The ordered layers that a stream sees, per type. */
export type View = Readonly<Record<XdsType, readonly Table[]>>;

export function createStream(
  mode: Mode,
  wholeTypes: readonly XdsType[] = wholeForAll,
  growingTypes: readonly XdsType[] = [],
): StreamState {
  return {
    mode,
    wholeTypes,
    growingTypes,
    types: new Map(),
    inOrder: [],
    marks: 0,
    lastSent: null,
    view: null,
    clustersSent: [],
    sender: null,
  };
}

/** Sets the first view of the stream, or another one, which is then compared in full with what it had. */
export function setView(stream: StreamState, view: View, context: StreamContext): void {
  const before = stream.view;
  stream.view = view;
  markAll(stream);
  for (const state of stream.types.values()) {
    if (before === null) applyFirstView(stream, state, context);
    else if (!sameTables(before[state.type], view[state.type])) changeView(stream, state, context);
  }
}

/** Names subscribed before the first view must all be sent. The cursor begins at the current revision. */
function applyFirstView(stream: StreamState, state: TypeState, context: StreamContext): void {
  if (!state.wildcard && state.baseline.kind === 'cursor') state.baseline = cursorAt(context.revision);
  subscribeTo(stream, state, context);
}

/** Acquires the interest of the present subscription and releases the earlier one. */
export function subscribeTo(stream: StreamState, state: TypeState, context: StreamContext): void {
  const before = state.interest;
  const { wildcard, names } = state;
  const wants = wildcard || names.size > 0 || state.mustAnswer;
  state.interest =
    stream.view !== null && wants
      ? context.interests.acquire(state.type, { tables: stream.view[state.type], wildcard, names }, stream)
      : null;
  if (before !== null && before !== state.interest) context.interests.release(before, stream);
}

/** Ends all subscriptions; the stream is not to be used afterwards. */
export function closeStream(stream: StreamState, context: StreamContext): void {
  for (const { interest } of stream.types.values()) if (interest !== null) context.interests.release(interest, stream);
  stream.types.clear();
  stream.inOrder = [];
  stream.lastSent = null;
}

/** The newest response; null: there was none. */
export const lastSentOf = ({ inFlight, answers }: TypeState): ResponseLabel | null => inFlight?.label ?? answers.newest;

/**
 * Drops the bytes of an unanswered response, whose nonce suffices to match the answer. A client that never answers then
 * costs only the names.
 */
export function dropBytesInFlight(state: TypeState): void {
  const response = state.inFlight;
  if (response === null || response.parts.length === 0) return;
  const withoutBytes: Response = { ...response, parts: none, framed: null };
  state.inFlight = withoutBytes;
  if (state.inFlightOfPreviousScope === response) state.inFlightOfPreviousScope = withoutBytes;
  if (state.search?.inFlight === response) state.search.inFlight = withoutBytes;
}

/** The state of a type, made at the first request for it. */
export function typeState(stream: StreamState, type: XdsType, context: StreamContext): TypeState {
  const known = stream.types.get(type);
  if (known !== undefined) return known;
  const state: TypeState = {
    type,
    interest: null,
    inFlight: null,
    baseline: cursorAt(0),
    mustAnswer: false,
    mustSend: none,
    deferredRemovals: none,
    wildcard: false,
    implicitWildcard: false,
    names: context.names.empty,
    rejectedResources: null,
    filters: null,
    acceptedParts: null,
    search: null,
    uncertain: none,
    acknowledged: 0,
    mayHaveResources: false,
    inFlightOfPreviousScope: null,
    sentAtMs: 0,
    answers: { isRejected: false, acked: null, nacked: null, newest: null, ackedAtMs: 0, nackedAtMs: 0, error: null },
    waitingSinceMs: null,
  };
  stream.types.set(type, state);
  stream.inOrder = xdsTypes.map((one) => stream.types.get(one) ?? null);
  return state;
}

/** Replaces the cursor by a map of the client's versions, before the cursor loses its meaning. */
export function recordKnownVersions(state: TypeState, context: StreamContext): void {
  const { interest, baseline } = state;
  if (interest === null || (baseline.kind === 'cursor' && baseline.revision === 0)) return;
  const knownVersions =
    baseline.kind === 'map' ? baseline.known : interest.knownVersionsAt(baseline.revision, context.nextId);
  const uncertain = state.uncertain.flatMap(({ names }) => names);
  state.baseline = {
    kind: 'map',
    known: uncertain.length === 0 ? knownVersions : withUnknownVersions(knownVersions, uncertain, context),
  };
}

/** Copies known versions and marks those of `uncertain` as unknown. */
export function withUnknownVersions(
  knownVersions: KnownVersions,
  uncertain: readonly string[],
  context: StreamContext,
): KnownVersions {
  const versions = new Map(knownVersions.versions);
  for (const name of uncertain) if (versions.has(name)) versions.set(name, '');
  return { id: context.nextId(), versions, resources: knownVersions.resources, shared: false };
}

/** Records the versions of a stream whose cursor the table is about to forget: one before revision `through`. */
export function prepareToForget(stream: StreamState, table: Table, through: Revision, context: StreamContext): void {
  const state = stream.types.get(table.type);
  if (state === undefined || state.interest?.tables.includes(table) !== true) return;
  if (state.baseline.kind !== 'cursor' || state.baseline.revision >= through) return;
  recordKnownVersions(state, context);
  markAll(stream);
}

/** Moves a subscription to another view. Deferred removals stay: the new tables lack their names, or have them as new. */
function changeView(stream: StreamState, state: TypeState, context: StreamContext): void {
  recordKnownVersions(state, context);
  state.mayHaveResources ||= state.baseline.kind === 'map';
  state.acknowledged = 0;
  state.search = null;
  state.inFlightOfPreviousScope = state.inFlight;
  if (state.uncertain.length > 0) state.uncertain = withoutRevisions(state.uncertain);
  subscribeTo(stream, state, context);
}

const sameTables = (a: readonly Table[], b: readonly Table[]): boolean =>
  a.length === b.length && a.every((table, index) => table === b[index]);
