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

/** What all streams share: the pools, the revision that tables are at, and time. Nothing here does I/O. */
export interface StreamContext {
  readonly names: NamePool;
  readonly interests: InterestPool;
  /** The revision of the last flush. */
  revision: Revision;
  /** Milliseconds; only differences matter. */
  now(): number;
  /** Unique ids for shared baselines and nonces. */
  nextId(): number;
  /** Names this control plane in every response (`control_plane.identifier`); empty: it is left out. */
  readonly identifier: string;
  /** What other streams found out about rejected resources. */
  readonly knownRejections: KnownRejections;
}

/** The empty list of every state. */
export const none: readonly never[] = [];

/** Names to send whatever their version. `id` stands for the names in cache keys. */
export interface NamesToSend {
  readonly id: string;
  readonly names: readonly string[];
}

/** Removals that the client is not told of yet. */
export interface DeferredRemovals {
  /** Equal ids, equal names: part of cache keys. */
  readonly id: string;
  /** The revision that removed them. */
  readonly revision: Revision;
  /** The client has them as they were at this one: it was not told of what changed of them before they went, either. */
  readonly since: Revision;
  readonly names: ReadonlyMap<string, EncodedResource | null>;
  readonly sinceMs: number;
  /** Since when what comes in their place has been sent; null: it waits. Their time runs from here. */
  replacedAtMs: number | null;
}

/** A rejected resource: not sent again until it has another version. */
export interface RejectedResource {
  readonly rejectedVersion: string;
  /** For whole sets: what the client has of it, as far as that can be said, and is sent in its place; null: nothing. */
  readonly substitute: EncodedResource | null;
  /** What it acknowledged last of it: `keep` if it took none of what came since; undefined if that is not known. */
  readonly acknowledged: EncodedResource | null | undefined;
  /** The revision acknowledged before it was rejected: nothing later is settled while it is held. */
  readonly since: Revision;
}

/**
 * One type on one stream. See docs/adr/0001-stream-state-machine.md for what each part means. What every flush looks at for
 * every stream stands first, and empty lists are all the same one: with thousands of streams, memory that is not in the
 * processor's caches is what that look costs.
 */
export interface TypeState {
  readonly type: XdsType;
  /** Null: not subscribed, or the stream has no view yet. */
  interest: Interest | null;
  inFlight: Response | null;
  baseline: Baseline;
  /** The first wildcard request is answered even when there is nothing to tell. */
  mustAnswer: boolean;
  mustSend: readonly NamesToSend[];
  deferredRemovals: readonly DeferredRemovals[];
  wildcard: boolean;
  /** SotW: it is a wildcard because nothing was ever named, so that naming nothing goes on meaning everything. */
  implicitWildcard: boolean;
  names: NameSet;
  /** By name; null rather than empty. */
  rejectedResources: Map<string, RejectedResource> | null;
  /** Parts of resources that the client rejects and is sent in another version or not at all, by resource; null rather than empty. */
  filters: Map<string, Filter> | null;
  /** What the client took in a search of resources that changed meanwhile, until it answers to them again; null rather than empty. */
  acceptedParts: Map<string, ReadonlyMap<string, ResourcePart>> | null;
  /** While it is being found out what of a response the client rejects: nothing else of this type is sent. */
  search: Search | null;
  /** Rejected responses since which it is unknown what the client has of the names that they brought. */
  uncertain: readonly UncertainResponse[];
  /** 0: nothing yet of the present view. */
  acknowledged: Revision;
  /** While nothing is acknowledged: the client may have resources, from another server or another view. */
  mayHaveResources: boolean;
  /** The response that was in flight when the view changed: its answer says nothing of the present one. */
  inFlightOfPreviousScope: Response | null;
  /** The newest answer was a NACK. */
  lastAnswerRejected: boolean;
  /** When the newest response was sent; `lastSentOf` says which. */
  sentAtMs: number;
  /** What was acknowledged last, and what was rejected last; null: nothing yet. */
  acked: ResponseLabel | null;
  nacked: ResponseLabel | null;
  /** The newer one of the two: what was rejected counts as taken once it is known what of it was bad. */
  answered: ResponseLabel | null;
  ackedAtMs: number;
  /** The client's words about what it rejects. */
  nack: string | null;
  /** When it said so last; 0: never. */
  nackedAtMs: number;
  /** Since when LDS or RDS has waited for the CDS ACK. */
  waitingSinceMs: number | null;
}

/** A client's stream: one aggregated stream, or one of a single type. */
export interface StreamState extends Marked {
  readonly mode: Mode;
  /** Types that are whole sets in SotW responses: CDS and LDS; for MOSN and gRPC routes too. */
  readonly wholeTypes: readonly XdsType[];
  /** Types whose subscription never shrinks, as the client's acknowledgements do not repeat it: MOSN's routes. */
  readonly growingTypes: readonly XdsType[];
  /** By type; a type is present once it was asked for. */
  readonly types: Map<XdsType, TypeState>;
  /** The same in the order in which types are sent: `xdsTypes`. Null: not asked for. */
  inOrder: readonly (TypeState | null)[];
  /** The type of the newest response: most answers are to it. */
  lastSent: TypeState | null;
  /** The tables of the view, by type. Null until the proxy's layers are compiled. */
  view: View | null;
  /** Clusters sent before the first request for assignments, which are owed then. */
  clustersSent: readonly NamesToSend[];
  /** Who sends what it is to be told. */
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

/** Gives the stream its first view, or another one: it is then compared in full with what it had. */
export function setView(stream: StreamState, view: View, context: StreamContext): void {
  const before = stream.view;
  stream.view = view;
  markAll(stream);
  for (const state of stream.types.values()) {
    if (before === null) applyFirstView(stream, state, context);
    else if (!sameTables(before[state.type], view[state.type])) changeView(stream, state, context);
  }
}

/** What was named before there was a view is owed as a whole; from here on its cursor is that of any other stream. */
function applyFirstView(stream: StreamState, state: TypeState, context: StreamContext): void {
  if (!state.wildcard && state.baseline.kind === 'cursor') state.baseline = cursorAt(context.revision);
  subscribeTo(stream, state, context);
}

/** Holds the interest that fits the state's subscription now; releases the one before. */
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
export const lastSentOf = ({ inFlight, answered }: TypeState): ResponseLabel | null => inFlight?.label ?? answered;

/**
 * Forgets the bytes of a response that is not answered: a client that never answers costs its names. What it answers to is known
 * by the nonce.
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
    lastAnswerRejected: false,
    sentAtMs: 0,
    acked: null,
    nacked: null,
    answered: null,
    ackedAtMs: 0,
    nack: null,
    nackedAtMs: 0,
    waitingSinceMs: null,
  };
  stream.types.set(type, state);
  stream.inOrder = xdsTypes.map((one) => stream.types.get(one) ?? null);
  return state;
}

/** Writes down, name by name, what the client has of a type, before the cursor that said so loses its meaning. */
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

/** As `having`, but for names whose version is not known for certain. */
export function withUnknownVersions(
  knownVersions: KnownVersions,
  uncertain: readonly string[],
  context: StreamContext,
): KnownVersions {
  const versions = new Map(knownVersions.versions);
  for (const name of uncertain) if (versions.has(name)) versions.set(name, '');
  return { id: context.nextId(), versions, resources: knownVersions.resources, shared: false };
}

/** Streams whose cursor is before this revision lose their way when the table forgets: they write down what they have. */
export function prepareToForget(stream: StreamState, table: Table, through: Revision, context: StreamContext): void {
  const state = stream.types.get(table.type);
  if (state === undefined || state.interest?.tables.includes(table) !== true) return;
  if (state.baseline.kind !== 'cursor' || state.baseline.revision >= through) return;
  recordKnownVersions(state, context);
  markAll(stream);
}

/** What is withheld stays so: its names are gone from the new tables too, or are found in them as new. */
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
