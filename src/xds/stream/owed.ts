import { typeRows } from '../../proto/resource.ts';
import type { Interest } from '../tables/interest.ts';
import { markAll } from '../tables/marks.ts';
import type { NameSet } from '../tables/names.ts';
import type { Response } from '../wire/response.ts';
import { none, type Owed, type StreamState, type TypeState, type World } from './stream.ts';

/** Owes the names of a subscription. */
export function oweSubscribed(state: TypeState, names: NameSet, world: World): void {
  if (names.size > 0) owe(state, { id: `n${names.id}`, names: names.names }, world);
}

/** Owes the assignments of the clusters that a response brings: rule 2 of ADR 1. */
export function oweAssignments(stream: StreamState, response: Response, world: World): void {
  if (response.brought.length === 0) return;
  const owed: Owed = { id: `c${response.nonce}`, names: response.brought };
  const endpoints = stream.types.get('endpoint');
  markAll(stream);
  if (endpoints === undefined) {
    // A stream that never asks for assignments must not gather what it would be owed.
    const clusters = stream.types.get('cluster')?.interest;
    stream.clustersSent = merged([...stream.clustersSent, owed], (name) => clusters?.get(name) !== undefined, world);
  } else if (endpoints.interest !== null && owed.names.some((name) => isWanted(endpoints, name))) {
    owe(endpoints, owed, world);
  }
}

/** Owes again what was in a rejected response and was not what the client rejected. */
export function oweInnocent(state: TypeState, response: Response, rejected: readonly string[], world: World): void {
  const guilty = new Set(rejected);
  const names = response.brought.filter((name) => !guilty.has(name));
  if (names.length > 0) owe(state, { id: `r${response.nonce}-${rejected.join()}`, names }, world);
}

function owe(state: TypeState, owed: Owed, world: World): void {
  state.owed = merged([...state.owed, owed], (name) => isWanted(state, name), world);
}

/**
 * Splits the owed names into those of the next response and those that wait. A client may ask for a hundred thousand absent
 * names. Each is answered, in responses of bounded size, as all clients wait while one is built.
 */
export function portionOf(state: TypeState): { readonly now: readonly Owed[]; readonly later: readonly Owed[] } {
  const { owed } = state;
  if (owed.reduce((sum, { names }) => sum + names.length, 0) <= mostAtOnce) return { now: owed, later: none };
  const now: Owed[] = [];
  const later: Owed[] = [];
  let room = mostAtOnce;
  for (const part of owed) {
    const taken = Math.min(room, part.names.length);
    room -= taken;
    if (taken > 0) now.push(taken === part.names.length ? part : slice(part, 0, taken));
    if (taken < part.names.length) later.push(taken === 0 ? part : slice(part, taken, part.names.length));
  }
  return { now, later };
}

/** Streams that are owed the same are sent the same portions of it. */
function slice({ id, names }: Owed, from: number, to: number): Owed {
  return { id: `${id}[${from}-${to}]`, names: names.slice(from, to) };
}

export function owedNames(owed: readonly Owed[]): readonly string[] {
  const [only = null, ...others] = owed;
  return others.length === 0 ? (only?.names ?? none) : owed.flatMap(({ names }) => names);
}

/** The names to be sent: the changed ones, and of the owed ones those that are still wanted. */
export function withOwed(changed: readonly string[], owed: readonly Owed[], interest: Interest): readonly string[] {
  if (owed.length === 0) return changed;
  const names = new Set(changed);
  for (const part of owed) {
    for (const name of part.names) {
      // Clusters that are no EDS clusters, and names given back since, have no assignment to send.
      if (typeRows[interest.type].unknown === 'unanswered' && interest.get(name) === undefined) continue;
      const isKnown = interest.names.has(name) || interest.get(name) !== undefined;
      if (isKnown || (interest.type !== 'endpoint' && interest.includes(name))) names.add(name);
    }
  }
  return [...names];
}

/** Gives up what is owed of names that do not exist, where that is not answered: such a name is sent once it exists. */
export function dropUnanswered(state: TypeState, interest: Interest, world: World): void {
  if (state.owed.length === 0 || typeRows[state.type].unknown !== 'unanswered') return;
  const there = state.owed.map(({ id, names }) => ({
    id: `${id}@${world.revision}`,
    names: names.filter((name) => interest.get(name) !== undefined),
  }));
  const left = there.filter(({ names }) => names.length > 0);
  state.owed = left.length === 0 ? none : left;
}

/** Names of one response. */
export const mostAtOnce = 10_000;

const isWanted = (state: TypeState, name: string): boolean =>
  state.names.has(name) || state.interest?.get(name) !== undefined;

/** However long a client lets its answer wait, what it is owed does not pile up. */
function merged(owed: Owed[], keeps: (name: string) => boolean, world: World): Owed[] {
  if (owed.length <= mostLists) return owed;
  const names = new Set(owed.flatMap((part) => part.names).filter(keeps));
  return [{ id: `m${world.nextId()}`, names: [...names] }];
}

const mostLists = 16;
