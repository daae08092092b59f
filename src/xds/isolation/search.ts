import { type EncodedResource, typeRows } from '../../proto/resource.ts';
import { lastAcknowledged } from '../stream/rejected.ts';
import type { StreamContext, StreamState, TypeState, View } from '../stream/stream.ts';
import { withoutNames } from '../stream/uncertain.ts';
import type { Interest } from '../tables/interest.ts';
import { markAll } from '../tables/marks.ts';
import type { Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';
import { addRejected, filtered, versionToSend } from './filter.ts';
import type { PartVersion, RejectedVersion } from './known-rejections.ts';
import { partitionOf, type ResourcePart, rebuild, wholePart } from './partition.ts';
import type { Search, Suspect } from './state.ts';

/** Limit of trials, for a client that rejects everything. Untried parts then count as rejected. */
const mostTrials = 512;

interface SearchStart {
  readonly response: Response;
  readonly error: string;
  readonly tables: readonly Table[];
  readonly context: StreamContext;
  /** Names whose version at the client is unknown after earlier responses. */
  readonly uncertain: readonly string[];
}

/**
 * Begins a search after a rejected response. A single suspect needs no trial.
 *
 * @returns the rejected parts found so far; null if there is no suspect.
 */
export function beginSearch(
  stream: StreamState,
  state: TypeState,
  { response, error, tables, context, uncertain }: SearchStart,
): readonly RejectedVersion[] | null {
  const { interest } = state;
  if (interest === null) return null;
  const present = response.updated.filter((name) => (interest.get(name)?.changed ?? Infinity) <= response.revision);
  const isUncertain = new Set(uncertain);
  const accepted = new Map(
    response.updated.map((name) => {
      const known = acceptedOf(state, name, tables);
      return [name, isUncertain.has(name) ? withoutCurrentParts(state, name, known) : known];
    }),
  );
  // A whole set cannot be sent without a resource that the client may have.
  const names = response.whole ? present.filter((name) => accepted.get(name) !== undefined) : present;
  const search: Search = {
    revision: response.revision,
    whole: response.whole,
    names,
    others: response.updated.filter((name) => !names.includes(name)),
    accepted,
    groups: [],
    trial: [],
    inFlight: null,
    sent: new Map(),
    trials: 0,
  };
  const suspects = names.flatMap((name) => suspectsOf(state, search, interest, name));
  if (suspects.length === 0) return null;
  search.groups = firstGroups(suspects, state, interest, context);
  state.search = search;
  // A suspect that was sent alone is the rejected part. If more was sent, it must be tried.
  if (suspects.length > 1 || names.length < response.updated.length) return [];
  search.groups = [];
  const rejectedVersions = confirmRejected(state, search, suspects, { error, context });
  finish(stream, state, search, context);
  return rejectedVersions;
}

/** Parts that other clients reject are tried last, one by one, so that the rest is accepted at once. */
function firstGroups(
  suspects: readonly Suspect[],
  state: TypeState,
  interest: Interest,
  context: StreamContext,
): readonly (readonly Suspect[])[] {
  if (context.knownRejections.size === 0) return halves(suspects);
  const isKnown = ({ name, part }: Suspect) => {
    const version = versionOf(state, interest, { name, part });
    return version !== null && context.knownRejections.isKnown(version);
  };
  const known = suspects.filter(isKnown);
  if (known.length === 0) return halves(suspects);
  const others = suspects.filter((suspect) => !known.includes(suspect));
  return [...(others.length === 0 ? [] : [others]), ...known.map((suspect) => [suspect])];
}

const halves = (suspects: readonly Suspect[]): readonly (readonly Suspect[])[] => {
  const middle = Math.ceil(suspects.length / 2);
  return [suspects.slice(0, middle), suspects.slice(middle)].filter(({ length }) => length > 0);
};

/** The parts of a resource that the client has; undefined: unknown. */
function acceptedOf(
  state: TypeState,
  name: string,
  tables: readonly Table[],
): ReadonlyMap<string, ResourcePart> | undefined {
  const parts = state.acceptedParts?.get(name);
  if (parts !== undefined) return parts;
  const last = lastAcknowledged(state, name, tables);
  if (last === undefined) return undefined;
  const resource = last === null ? null : filtered(state, last);
  return resource === null ? new Map() : partitionOf(state.type, resource).parts;
}

/**
 * Remembers the accepted parts of a view that is about to be replaced. They substitute for parts of the next view that the
 * client rejects.
 */
export function rememberAccepted({ types, view }: StreamState, next: View): void {
  const state = types.get('route');
  if (view === null || state === undefined || state.interest === null) return;
  const tables = view.route;
  if (tables.length === next.route.length && tables.every((table, index) => table === next.route[index])) return;
  for (const name of state.names.names) {
    const parts = acceptedOf(state, name, tables);
    if (parts === undefined || parts.size === 0) continue;
    state.acceptedParts ??= new Map();
    state.acceptedParts.set(name, parts);
  }
}

/** Leaves out current parts, which the client may not have accepted: they must be tried. */
function withoutCurrentParts(
  { type, filters, interest }: TypeState,
  name: string,
  known: ReadonlyMap<string, ResourcePart> | undefined,
): ReadonlyMap<string, ResourcePart> | undefined {
  const resource = interest?.get(name)?.resource;
  if (known === undefined || resource === undefined) return known;
  const { parts } = partitionOf(type, resource);
  return new Map(
    [...known].filter(([part, { hash }]) => {
      const current = parts.get(part);
      return current === undefined || versionToSend(filters?.get(name), current)?.hash !== hash;
    }),
  );
}

function suspectsOf(state: TypeState, search: Search, interest: Interest, name: string): readonly Suspect[] {
  const resource = interest.get(name)?.resource;
  if (resource === undefined) return [];
  const accepted = search.accepted.get(name);
  const filter = state.filters?.get(name);
  return [...partitionOf(state.type, resource).parts.values()].flatMap((part) => {
    const candidate = versionToSend(filter, part);
    if (candidate === null || accepted?.get(part.name)?.hash === candidate.hash) return [];
    return [{ name, part: part.name }];
  });
}

/** Resources of the next trial, to send now; null: nothing is left to try. */
export function nextTrial(
  state: TypeState,
  search: Search,
  interest: Interest,
  context: StreamContext,
): ReadonlyMap<string, EncodedResource | null> | null {
  const [group, ...rest] = search.groups;
  if (group === undefined) return null;
  search.groups = rest;
  search.trial = group;
  search.trials++;
  const names = search.whole ? search.names : new Set(group.map(({ name }) => name));
  const sent = new Map<string, EncodedResource | null>();
  for (const name of names) {
    const resource = interest.get(name)?.resource;
    if (resource !== undefined) sent.set(name, trialOf(state, search, resource, context));
  }
  search.sent = sent;
  return sent.size > 0 ? sent : nextTrial(state, search, interest, context);
}

/** Builds a resource from the parts that the client has and the suspects on trial. */
function trialOf(
  state: TypeState,
  search: Search,
  resource: EncodedResource,
  context: StreamContext,
): EncodedResource | null {
  const { type } = state;
  const { name } = resource;
  const accepted = search.accepted.get(name);
  const tried = new Set(search.trial.filter((suspect) => suspect.name === name).map(({ part }) => part));
  return rebuild(type, resource, (part) => {
    const candidate = versionToSend(state.filters?.get(name), part);
    const has = accepted?.get(part.name);
    if (candidate === null || candidate.hash === has?.hash || tried.has(part.name)) return candidate;
    if (has !== undefined) return has;
    return candidate === part
      ? context.knownRejections.lastGood({ type, name, part: part.name, hash: part.hash })
      : null;
  });
}

/** Applies an ACK of a trial. */
export function trialAccepted(stream: StreamState, state: TypeState, search: Search, context: StreamContext): void {
  for (const [name, resource] of search.sent)
    search.accepted.set(name, resource === null ? new Map() : partitionOf(state.type, resource).parts);
  search.inFlight = null;
  if (search.groups.length === 0) finish(stream, state, search, context);
}

/** Applies a NACK of a trial. Returns the parts that are now known to be rejected. */
export function trialRejected(
  stream: StreamState,
  state: TypeState,
  search: Search,
  { error, context }: { readonly error: string; readonly context: StreamContext },
): readonly RejectedVersion[] {
  search.inFlight = null;
  let rejectedVersions: readonly RejectedVersion[] = [];
  if (search.trials >= mostTrials) {
    search.sent = new Map(); // untried parts count as rejected
    rejectedVersions = confirmRejected(state, search, [...search.trial, ...search.groups.flat()], { error, context });
    search.groups = [];
  } else if (search.trial.length > 1) search.groups = [...halves(search.trial), ...search.groups];
  else rejectedVersions = confirmRejected(state, search, search.trial, { error, context });
  if (search.groups.length === 0) finish(stream, state, search, context);
  return rejectedVersions;
}

/** Filters these parts from now on. */
function confirmRejected(
  state: TypeState,
  search: Search,
  suspects: readonly Suspect[],
  { error, context }: { readonly error: string; readonly context: StreamContext },
): readonly RejectedVersion[] {
  return suspects.flatMap((suspect) => {
    const version = state.interest === null ? null : versionOf(state, state.interest, suspect);
    if (version === null || !wasSent(state, search, version)) return [];
    const { name, part, hash } = version;
    const earlier = state.filters?.get(name)?.rejected.get(part);
    if (earlier?.hash === hash) {
      addRejected(state, name, part, { ...earlier, substitute: null }); // its substitute is rejected as well
      return [];
    }
    const has = search.accepted.get(name)?.get(part);
    const lastGood = has === undefined ? null : copyOf(has);
    addRejected(state, name, part, { hash, substitute: lastGood ?? context.knownRejections.lastGood(version), error });
    return [{ ...version, lastGood, error }];
  });
}

/**
 * Reports a whole resource that an error names. A client that has no version of it is sent the last good one of other
 * clients, if known.
 */
export function confirmWhole(
  state: TypeState,
  {
    name,
    error,
    tables,
    context,
  }: { readonly name: string; readonly error: string } & Pick<SearchStart, 'tables' | 'context'>,
): readonly RejectedVersion[] {
  const resource = state.interest?.get(name)?.resource;
  if (resource === undefined) return [];
  const version: PartVersion = { type: state.type, name, part: '', hash: resource.version };
  const last = lastAcknowledged(state, name, tables);
  const known = last === null ? context.knownRejections.lastGood(version) : null;
  if (known !== null) {
    state.rejectedResources?.delete(name);
    if (state.rejectedResources?.size === 0) state.rejectedResources = null;
    addRejected(state, name, '', { hash: resource.version, substitute: known, error });
    state.mustSend = [...state.mustSend, { id: `s${context.nextId()}`, names: [name] }];
  }
  const lastGood = last === null || last === undefined ? null : wholePart(state.type, last);
  return [{ ...version, lastGood, error }];
}

/** Returns true if the trial contained this version, and not an earlier one of the tables. */
function wasSent(state: TypeState, { sent }: Search, { name, part, hash }: PartVersion): boolean {
  if (sent.size === 0) return true; // no trial: the rejected response contained it
  const tried = sent.get(name) ?? null;
  const rejected = state.filters?.get(name)?.rejected.get(part);
  const expected = rejected?.hash === hash ? rejected.substitute?.hash : hash;
  return tried !== null && partitionOf(state.type, tried).parts.get(part)?.hash === expected;
}

/** Copies the bytes: a view would keep the whole route configuration in memory. */
const copyOf = (part: ResourcePart): ResourcePart => ({ ...part, bytes: Uint8Array.from(part.bytes) });

/** Current version of a suspect; null: removed. */
function versionOf({ type }: TypeState, interest: Interest, { name, part }: Suspect): PartVersion | null {
  const resource = interest.get(name)?.resource;
  const found = resource === undefined ? undefined : partitionOf(type, resource).parts.get(part);
  return found === undefined ? null : { type, name, part, hash: found.hash };
}

const nothing: ReadonlyMap<string, ResourcePart> = new Map();

/** Ends a search: sends the client what it accepts and does not have yet. */
export function finish(stream: StreamState, state: TypeState, search: Search, context: StreamContext): void {
  state.search = null;
  state.answers.isRejected = false;
  for (const [name, parts = nothing] of search.accepted) {
    const isAsTried = (state.interest?.get(name)?.changed ?? Infinity) <= search.revision;
    if (isAsTried && search.names.includes(name)) continue;
    state.acceptedParts ??= new Map();
    state.acceptedParts.set(name, parts);
  }
  state.acknowledged = Math.max(state.acknowledged, search.revision);
  state.uncertain = withoutNames(state.uncertain, new Set([...search.names, ...search.others]));
  const mustSend = [...search.names.filter((name) => !hasFinal(state, search, name)), ...search.others];
  if (mustSend.length > 0) state.mustSend = [...state.mustSend, { id: `s${context.nextId()}`, names: mustSend }];
  markAll(stream);
}

/** Returns true if the client has the final version of a resource. */
function hasFinal(state: TypeState, search: Search, name: string): boolean {
  const resource = state.interest?.get(name)?.resource;
  const accepted = search.accepted.get(name);
  if (resource === undefined || accepted === undefined) return true;
  const final = filtered(state, resource);
  // An Envoy that waits for a route configuration or an assignment needs an answer.
  if (final === null) return accepted.size > 0 || typeRows[state.type].unknown !== 'empty';
  const { parts } = partitionOf(state.type, final);
  return (
    parts.size === accepted.size && parts.values().every(({ name: part, hash }) => accepted.get(part)?.hash === hash)
  );
}
