import { markAll } from '../tables/marks.ts';
import type { NameSet } from '../tables/names.ts';
import type { Response } from '../wire/response.ts';
import type { Owed, StreamState, TypeState, World } from './stream.ts';

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

const isWanted = (state: TypeState, name: string): boolean =>
  state.names.has(name) || state.interest?.get(name) !== undefined;

/** However long a client lets its answer wait, what it is owed does not pile up. */
function merged(owed: Owed[], keeps: (name: string) => boolean, world: World): Owed[] {
  if (owed.length <= mostLists) return owed;
  const names = new Set(owed.flatMap((part) => part.names).filter(keeps));
  return [{ id: `m${world.nextId()}`, names: [...names] }];
}

const mostLists = 16;
