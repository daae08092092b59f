import type { EncodedResource } from '../../proto/resource.ts';
import type { Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';
import { namesIn } from './mentions.ts';
import type { RejectedResource, TypeState } from './stream.ts';
import { newestPossible, resourceAt, withRejected } from './uncertain.ts';

/** Rejection of a response whose error names resources. */
export interface NamedRejection {
  readonly response: Response;
  readonly error: string;
  /** Names that the response updated and the error mentions. */
  readonly named: readonly string[];
  readonly tables: readonly Table[];
}

/** Marks the named resources as rejected. `isResent`: sending the others again may succeed. */
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
 * Finds named resources that a whole set carried without updating them: deferred removals and substitutes. A resource
 * that the client acknowledged is not among them, even if the error names it.
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

/** `superseded`: removed or repaired since. `carried`: whole sets must contain it, because its absence would remove it. */
type Handling = 'rejected' | 'superseded' | 'carried';

function rejectOne(
  state: TypeState,
  name: string,
  rejected: EncodedResource,
  { response, tables }: NamedRejection,
): Handling {
  const entry = state.interest?.get(name);
  const isSuperseded = entry === undefined || entry.changed > response.revision;
  // Its removal may be deferred in the next whole set, or the same version may come back.
  if (isSuperseded && !response.whole) return 'superseded';
  const earlier = state.rejectedResources?.get(name);
  // Only whole sets need a substitute.
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
 * Finds the substitute of a rejected version in whole sets: the newest version that the client may have, so that it keeps
 * what it applied of a set that it rejected for another resource. Null: it has none; undefined: unknown.
 */
function substituteFor(
  { uncertain }: TypeState,
  { name, tables, acknowledged }: RejectedName,
): RejectedResource['acknowledged'] {
  const newest = newestPossible(uncertain, tables, name);
  if (newest === undefined) return acknowledged ?? undefined;
  return newest ?? acknowledged;
}

/** Finds the version of a name that the client acknowledged last; null: it never had one; undefined: unknown. */
export function lastAcknowledged(
  state: TypeState,
  name: string,
  tables: readonly Table[],
): RejectedResource['acknowledged'] {
  if (state.acknowledged === 0) return state.mayHaveResources ? undefined : null;
  if (state.answers.acked?.subscribed?.has(name) === false) return null;
  return resourceAt(tables, name, state.acknowledged);
}

const noResources: ReadonlyMap<string, EncodedResource> = new Map();

/** Drops rejections of names of which the client has accepted another version. */
export function dropAccepted(state: TypeState, accepted: ReadonlySet<string>): void {
  for (const name of state.rejectedResources?.keys() ?? []) if (accepted.has(name)) dropRejected(state, name);
}

/** Drops rejections of removed names. Call it only when everything is sent: the same version may come back before. */
export function dropRemoved(state: TypeState): void {
  for (const name of state.rejectedResources?.keys() ?? []) {
    const isDeferred = state.deferredRemovals.some((batch) => batch.names.has(name));
    if (!isDeferred && state.interest?.get(name) === undefined) dropRejected(state, name);
  }
}
