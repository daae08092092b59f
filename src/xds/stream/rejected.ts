import type { EncodedResource } from '../../proto/resource.ts';
import type { Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';
import { namesIn } from './mentions.ts';
import type { RejectedResource, TypeState } from './stream.ts';
import { newestPossible, resourceAt, withRejected } from './uncertain.ts';

/** A rejection, as far as it decides on what is held. */
export interface NamedRejection {
  readonly response: Response;
  readonly error: string;
  /** Those that the response brought and the error names. */
  readonly named: readonly string[];
  readonly tables: readonly Table[];
}

/** Holds what the error names. The rest is told again if that leads anywhere. */
export function rejectNamed(state: TypeState, rejection: NamedRejection): { names: string[]; isResent: boolean } {
  const { response, named, tables } = rejection;
  const also = response.whole ? carriedNamed(state, rejection) : noResources;
  const rejected = new Map(also);
  for (const name of named) {
    const resource = resourceAt(tables, name, response.revision);
    if (resource !== null && resource !== undefined) rejected.set(name, resource);
  }
  if (response.whole) state.uncertain = withRejected(state.uncertain, tables, rejected);
  const handled = new Map([...rejected].map(([name, resource]) => [name, rejectOne(state, name, resource, rejection)]));
  return {
    names: named.filter((name) => handled.get(name) === 'rejected'),
    isResent: named.length + also.size > 0 && !handled.values().some((handling) => handling === 'carried'),
  };
}

/**
 * What a whole set carried though it did not bring it: withheld removals, and what stands in for other versions. That the
 * client acknowledged something is believed more than an error that names it.
 */
export function carriedNamed(
  state: TypeState,
  { error, named }: Pick<NamedRejection, 'error' | 'named'>,
): ReadonlyMap<string, EncodedResource> {
  const carried = new Map<string, EncodedResource | null>();
  for (const { names } of state.deferredRemovals) for (const [name, resource] of names) carried.set(name, resource);
  for (const [name, { substitute, acknowledged }] of state.rejectedResources ?? [])
    carried.set(name, substitute === acknowledged ? null : substitute);
  const also = new Map<string, EncodedResource>();
  if (carried.size === 0) return also;
  for (const name of namesIn(error, (text) => carried.has(text))) {
    const resource = carried.get(name) ?? null;
    if (resource !== null && !named.includes(name)) also.set(name, resource);
  }
  return also;
}

/** `over`: it is gone or repaired since. `kept`: a whole set must go on carrying it, as leaving it out would take it away. */
type Handling = 'rejected' | 'superseded' | 'carried';

function rejectOne(
  state: TypeState,
  name: string,
  rejected: EncodedResource,
  { response, tables }: NamedRejection,
): Handling {
  const entry = state.interest?.get(name);
  const isSuperseded = entry === undefined || entry.changed > response.revision;
  // What is over may still be withheld by the next whole set, or come back as it was.
  if (isSuperseded && !response.whole) return 'superseded';
  const earlier = state.rejectedResources?.get(name);
  // Nothing stands in for it in a response that need not be whole.
  const acknowledged = !response.whole ? null : earlier ? earlier.acknowledged : lastAcknowledged(state, name, tables);
  const substitute = response.whole ? substituteFor(state, { name, tables, acknowledged }) : null;
  const isSubstitute = earlier !== undefined && earlier.substitute === rejected;
  if (substitute === undefined) {
    if (isSubstitute) dropRejected(state, name);
    return isSuperseded && !isSubstitute ? 'superseded' : 'carried';
  }
  state.rejectedResources ??= new Map();
  state.rejectedResources.set(name, {
    rejectedVersion: isSubstitute ? earlier.rejectedVersion : rejected.version,
    substitute,
    acknowledged,
    since: earlier?.since ?? state.acknowledged,
  });
  return isSuperseded ? 'superseded' : 'rejected';
}

function dropRejected(state: TypeState, name: string): void {
  state.rejectedResources?.delete(name);
  if (state.rejectedResources?.size === 0) state.rejectedResources = null;
}

interface RejectedName {
  readonly name: string;
  readonly tables: readonly Table[];
  readonly acknowledged: RejectedResource['acknowledged'];
}

/**
 * What a whole set carries in place of a rejected version: the newest that the client may have, so that it loses nothing
 * that it took from a set that it rejected for something else. Null: it has nothing; undefined: that is not known.
 */
function substituteFor(
  { uncertain }: TypeState,
  { name, tables, acknowledged }: RejectedName,
): RejectedResource['acknowledged'] {
  const newest = newestPossible(uncertain, tables, name);
  if (newest === undefined) return acknowledged ?? undefined;
  return newest ?? acknowledged;
}

/** What the client took last of this name; null if it never had any, undefined if that is not known. */
export function lastAcknowledged(
  state: TypeState,
  name: string,
  tables: readonly Table[],
): RejectedResource['acknowledged'] {
  if (state.acknowledged === 0) return state.mayHaveResources ? undefined : null;
  if (state.acked?.subscribed?.has(name) === false) return null;
  return resourceAt(tables, name, state.acknowledged);
}

const noResources: ReadonlyMap<string, EncodedResource> = new Map();

/** What is held stays so until another version of it is taken, or it is gone. */
export function dropAccepted(state: TypeState, accepted: ReadonlySet<string>): void {
  for (const name of state.rejectedResources?.keys() ?? []) if (accepted.has(name)) dropRejected(state, name);
}

/** Only when nothing is still to be told: what went a moment ago may come back as it was. */
export function dropRemoved(state: TypeState): void {
  for (const name of state.rejectedResources?.keys() ?? []) {
    const isDeferred = state.deferredRemovals.some((batch) => batch.names.has(name));
    if (!isDeferred && state.interest?.get(name) === undefined) dropRejected(state, name);
  }
}
