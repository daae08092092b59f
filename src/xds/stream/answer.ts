import { dropRepaired } from '../isolation/filter.ts';
import type { RejectedVersion } from '../isolation/known-rejections.ts';
import { partitionOf } from '../isolation/partition.ts';
import { beginSearch, confirmWhole, trialAccepted, trialRejected } from '../isolation/search.ts';
import type { Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';
import { isBindError } from './error-text.ts';
import { namesIn } from './mentions.ts';
import { addOthersOf } from './must-send.ts';
import { isPending } from './next.ts';
import { carriedNamed, dropAccepted, dropRemoved, rejectNamed } from './rejected.ts';
import { none, type StreamContext, type StreamState, type TypeState, withUnknownVersions } from './stream.ts';
import { hasName, withoutNames, withoutRevisions, withUncertain } from './uncertain.ts';

/** Applies an ACK of the response in flight. */
export function acknowledge(stream: StreamState, state: TypeState, response: Response, context: StreamContext): void {
  state.inFlight = null;
  state.answers.acked = response.label;
  state.answers.newest = response.label;
  state.answers.ackedAtMs = context.now();
  const { search } = state;
  if (search !== null && search.inFlight === response) {
    trialAccepted(stream, state, search, context);
    return;
  }
  state.answers.isRejected = false;
  if (state.inFlightOfPreviousScope !== response) {
    state.acknowledged = response.revision;
    state.mayHaveResources = false;
    state.acceptedParts = null; // from here on the tables say what it has
  }
  state.inFlightOfPreviousScope = null;
  if (response.whole) state.uncertain = none;
  if (state.filters !== null) {
    const accepted = response.whole ? [...state.filters.keys()] : response.updated;
    dropRepaired(state, accepted, { revision: response.revision, isAllSent: isAllSent(state) });
  }
  if (state.rejectedResources !== null || state.uncertain.length > 0) {
    const accepted = new Set(response.updated);
    state.uncertain = withoutNames(state.uncertain, accepted);
    dropAccepted(state, accepted);
    if (isAllSent(state)) dropRemoved(state);
  }
  // else something is still rejected
  if (state.rejectedResources === null && state.uncertain.length === 0 && state.filters === null)
    state.answers.error = null;
}

export interface RejectedResponse {
  readonly response: Response;
  readonly error: string;
  readonly context: StreamContext;
}

/** The result of a rejection. */
export interface RejectionResult {
  /** Names of rejected resources, for the log and for finding their rules. */
  readonly rejectedNames: readonly string[];
  /** Parts that the client was found to reject. */
  readonly rejectedVersions: readonly RejectedVersion[];
}

/**
 * Applies a NACK of the response in flight. Resources that the error names are not sent again until they change. All
 * others are sent again, because the client may have applied none. If the error names no resource, the updates are
 * tried in groups until the rejected part is found: rule 6 of docs/protocol.md. The same happens for a route
 * configuration, of which only a part is invalid.
 */
export function reject(
  stream: StreamState,
  state: TypeState,
  { response, error, context }: RejectedResponse,
): RejectionResult {
  const { search } = state;
  const isOfPreviousScope = state.inFlightOfPreviousScope === response;
  state.inFlight = null;
  state.inFlightOfPreviousScope = null;
  state.answers.isRejected = true;
  state.answers.nacked = response.label;
  state.answers.newest = response.label;
  state.answers.error = error;
  state.answers.nackedAtMs = context.now();
  if (search !== null && search.inFlight === response) {
    return { rejectedNames: none, rejectedVersions: trialRejected(stream, state, search, { error, context }) };
  }
  const tables = isOfPreviousScope ? null : (stream.view?.[state.type] ?? null);
  const named = namedIn(state, response, error);
  const canSearch = tables !== null && named.length === 0 && isSearchable(state, response, error);
  const uncertain = [...state.uncertain.flatMap(({ names }) => names), ...response.mustSend];
  state.uncertain = withUncertain(state.uncertain, response);
  const rejectedVersions = canSearch
    ? beginSearch(stream, state, { response, error, tables, context, uncertain })
    : null;
  const findings = rejectedVersions === null ? rejectByName(state, { response, error, named, tables, context }) : null;
  // Without other updates, the same response would be sent and rejected again.
  const isOthers = named.length === 0 && stream.mode === 'delta' && response.updated.length > 0;
  if (rejectedVersions !== null || isOthers) deferAgain(state, response, context);
  if (state.baseline.kind === 'map') {
    state.baseline = { kind: 'map', known: withUnknownVersions(state.baseline.known, response.updated, context) };
  }
  if (isAllSent(state)) dropRemoved(state);
  return findings ?? { rejectedNames: none, rejectedVersions: rejectedVersions ?? none };
}

/** Excludes whole sets after which the client's state is unknown, and errors about resources that a set only carried. */
function isSearchable(state: TypeState, { whole }: Response, error: string): boolean {
  if (!whole) return true;
  return (
    state.uncertain.length === 0 &&
    state.rejectedResources === null &&
    carriedNamed(state, { error, named: none }).size === 0
  );
}

/** Ignores ports, the names of route configurations, because any error text may contain them. */
function namedIn({ type, interest }: TypeState, { updated }: Response, error: string): readonly string[] {
  const named = [...namesIn(error, (text) => !(type === 'route' && isPort(text)) && hasName(updated, text))];
  const isDivisible = (name: string) => {
    const resource = type === 'route' ? interest?.get(name)?.resource : undefined;
    return resource !== undefined && !partitionOf('route', resource).parts.has('');
  };
  return named.some(isDivisible) ? none : named;
}

const isPort = (name: string): boolean => /^\d+$/.test(name);

interface RejectionByName extends RejectedResponse {
  readonly named: readonly string[];
  readonly tables: readonly Table[] | null;
}

function rejectByName(state: TypeState, { response, error, named, tables, context }: RejectionByName): RejectionResult {
  if (tables === null) {
    state.uncertain = withoutRevisions(state.uncertain);
    return { rejectedNames: none, rejectedVersions: none };
  }
  const { names: rejectedNames, isResent } = rejectNamed(state, { response, error, named, tables });
  if (isResent) {
    addOthersOf(state, response, named, context);
    deferAgain(state, response, context);
  }
  const rejectedVersions = rejectedNames
    .filter((name) => !isBindError(error, name)) // a port in use is no fault of the listener
    .flatMap((name) => confirmWhole(state, { name, error, tables, context }));
  return { rejectedNames, rejectedVersions };
}

const isAllSent = (state: TypeState): boolean => state.interest === null || !isPending(state, state.interest);

/** Sends the removals of the response again, as soon as the order allows. */
function deferAgain(state: TypeState, { nonce, revision, removed }: Response, context: StreamContext): void {
  if (removed.length === 0) return;
  const names = new Map(removed.map((name) => [name, null]));
  const batch = {
    id: `r${nonce}`,
    revision,
    since: state.acknowledged,
    names,
    sinceMs: context.now(),
    replacedAtMs: null,
  };
  state.deferredRemovals = [...state.deferredRemovals, batch];
}
