import { typeRows } from '../../proto/resource.ts';
import type { Interest } from '../tables/interest.ts';
import { markAll } from '../tables/marks.ts';
import type { NameSet } from '../tables/names.ts';
import type { Response } from '../wire/response.ts';
import { type NamesToSend, none, type StreamContext, type StreamState, type TypeState } from './stream.ts';

/** Adds the names of a subscription. */
export function addSubscribed(state: TypeState, names: NameSet, context: StreamContext): void {
  if (names.size > 0) addNames(state, { id: `n${names.id}`, names: names.names }, context);
}

/** Adds the assignments of the clusters that a response updates: rule 2 of docs/protocol.md. */
export function addAssignments(stream: StreamState, response: Response, context: StreamContext): void {
  if (response.updated.length === 0) return;
  const mustSend: NamesToSend = { id: `c${response.nonce}`, names: response.updated, isOfClusters: true };
  const endpoints = stream.types.get('endpoint');
  markAll(stream);
  if (endpoints === undefined) {
    // A stream that never requests assignments must not accumulate names.
    const clusters = stream.types.get('cluster')?.interest;
    stream.clustersSent = merged(
      [...stream.clustersSent, mustSend],
      (name) => clusters?.get(name) !== undefined,
      context,
    );
  } else if (endpoints.interest !== null && mustSend.names.some((name) => isWanted(endpoints, name))) {
    addNames(endpoints, mustSend, context);
  }
}

/**
 * Drops assignments of sent clusters that are removed, now or by a deferred removal. The client keeps them until it
 * answers the clusters: rule 4 of docs/protocol.md.
 */
export function dropRemovedAssignments(
  state: TypeState,
  interest: Interest,
  removed: ReadonlyMap<string, unknown>,
  context: StreamContext,
): void {
  const { mustSend, deferredRemovals } = state;
  if (removed.size === 0 && deferredRemovals.length === 0) return;
  if (!mustSend.some(({ isOfClusters }) => isOfClusters)) return;
  const isLeaving = (name: string) =>
    interest.get(name) === undefined && (removed.has(name) || deferredRemovals.some(({ names }) => names.has(name)));
  const staying = mustSend
    .map((part) => {
      if (!part.isOfClusters || !part.names.some(isLeaving)) return part;
      const names = part.names.filter((name) => !isLeaving(name));
      return { ...part, id: `${part.id}@${context.revision}`, names };
    })
    .filter(({ names }) => names.length > 0);
  state.mustSend = staying.length === 0 ? none : staying;
}

/** Adds the names of a rejected response that the client did not reject. */
export function addOthersOf(
  state: TypeState,
  response: Response,
  rejected: readonly string[],
  context: StreamContext,
): void {
  const rejectedNames = new Set(rejected);
  const names = response.updated.filter((name) => !rejectedNames.has(name));
  if (names.length > 0) addNames(state, { id: `r${response.nonce}-${rejected.join()}`, names }, context);
}

function addNames(state: TypeState, mustSend: NamesToSend, context: StreamContext): void {
  state.mustSend = merged([...state.mustSend, mustSend], (name) => isWanted(state, name), context);
}

/**
 * Splits the names into those of the next response and those that wait. A client may ask for a hundred thousand absent
 * names. Responses are bounded, because all clients wait while one is built.
 */
export function portionOf(state: TypeState): {
  readonly now: readonly NamesToSend[];
  readonly later: readonly NamesToSend[];
} {
  const { mustSend } = state;
  if (mustSend.reduce((sum, { names }) => sum + names.length, 0) <= maxNamesPerResponse)
    return { now: mustSend, later: none };
  const now: NamesToSend[] = [];
  const later: NamesToSend[] = [];
  let room = maxNamesPerResponse;
  for (const part of mustSend) {
    const count = Math.min(room, part.names.length);
    room -= count;
    if (count > 0) now.push(count === part.names.length ? part : slice(part, 0, count));
    if (count < part.names.length) later.push(count === 0 ? part : slice(part, count, part.names.length));
  }
  return { now, later };
}

/** Cuts a portion whose id depends on the range only, so that streams share it. */
function slice({ id, names }: NamesToSend, from: number, to: number): NamesToSend {
  return { id: `${id}[${from}-${to}]`, names: names.slice(from, to) };
}

export function namesToSend(mustSend: readonly NamesToSend[]): readonly string[] {
  const [only = null, ...others] = mustSend;
  return others.length === 0 ? (only?.names ?? none) : mustSend.flatMap(({ names }) => names);
}

/** Names to send: the changed ones, and the must-send names that are still subscribed. */
export function withMustSend(
  changed: readonly string[],
  mustSend: readonly NamesToSend[],
  interest: Interest,
): readonly string[] {
  if (mustSend.length === 0) return changed;
  const names = new Set(changed);
  for (const part of mustSend) {
    for (const name of part.names) {
      // Clusters without EDS, and names unsubscribed since, have no assignment to send.
      if (typeRows[interest.type].unknown === 'unanswered' && interest.get(name) === undefined) continue;
      const isKnown = interest.names.has(name) || interest.get(name) !== undefined;
      if (isKnown || (interest.type !== 'endpoint' && interest.includes(name))) names.add(name);
    }
  }
  return [...names];
}

/** Drops absent names of types that do not answer absent names. These are sent once they exist. */
export function dropUnanswered(state: TypeState, interest: Interest, context: StreamContext): void {
  if (state.mustSend.length === 0 || typeRows[state.type].unknown !== 'unanswered') return;
  const there = state.mustSend.map(({ id, names }) => ({
    id: `${id}@${context.revision}`,
    names: names.filter((name) => interest.get(name) !== undefined),
  }));
  const left = there.filter(({ names }) => names.length > 0);
  state.mustSend = left.length === 0 ? none : left;
}

/** Limit of names in one response. */
export const maxNamesPerResponse = 10_000;

const isWanted = (state: TypeState, name: string): boolean =>
  state.names.has(name) || state.interest?.get(name) !== undefined;

/** Merges the lists once they are many, so that a client that never answers costs bounded memory. */
function merged(mustSend: NamesToSend[], keeps: (name: string) => boolean, context: StreamContext): NamesToSend[] {
  if (mustSend.length <= maxLists) return mustSend;
  const names = new Set(mustSend.flatMap((part) => part.names).filter(keeps));
  return [{ id: `m${context.nextId()}`, names: [...names] }];
}

const maxLists = 16;
