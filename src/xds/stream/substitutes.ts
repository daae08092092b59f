import type { EncodedResource } from '../../proto/resource.ts';
import { filtered, filteredResources } from '../isolation/filter.ts';
import type { Interest } from '../tables/interest.ts';
import type { TypeState } from './stream.ts';

/** Substitutes for resources of the tables: in a whole set (`names` is null), or among some names. */
export function substitutesFor(
  state: TypeState,
  interest: Interest,
  names: readonly string[] | null,
): ReadonlyMap<string, EncodedResource | null> {
  const filters = filteredResources(state, interest, names);
  const others = names === null ? carriedSubstitutes(state, interest) : noSubstitutes;
  return filters.size === 0 ? others : new Map([...filters, ...others]);
}

/** Contents of a whole set that differ from the tables: deferred removals, and earlier versions of rejected resources. */
function carriedSubstitutes(state: TypeState, interest: Interest): ReadonlyMap<string, EncodedResource | null> {
  if (state.deferredRemovals.length === 0 && state.rejectedResources === null) return noSubstitutes;
  const substitutes = new Map<string, EncodedResource | null>();
  for (const batch of state.deferredRemovals) {
    for (const [name, resource] of batch.names) {
      if (!interest.includes(name) || interest.get(name) !== undefined) continue;
      const rejected = state.rejectedResources?.get(name);
      substitutes.set(
        name,
        rejected !== undefined && rejected.rejectedVersion === resource?.version ? rejected.substitute : resource,
      );
    }
  }
  for (const [name, { rejectedVersion, substitute }] of state.rejectedResources ?? []) {
    if (interest.get(name)?.resource.version === rejectedVersion) substitutes.set(name, substitute);
  }
  return substitutes;
}

/** Leaves out rejected resources, and those whose substitute the client already has. */
export function withoutRejected(state: TypeState, interest: Interest, names: readonly string[]): readonly string[] {
  const { rejectedResources, filters, baseline } = state;
  if (rejectedResources === null && filters === null) return names;
  return names.filter((name) => {
    const resource = interest.get(name)?.resource;
    if (resource === undefined) return true;
    if (rejectedResources?.get(name)?.rejectedVersion === resource.version) return false;
    if (filters?.has(name) !== true || baseline.kind === 'cursor') return true;
    return filtered(state, resource)?.version !== baseline.known.versions.get(name);
  });
}

/** Key of the substitutes, part of cache keys: equal keys have equal substitutes. */
export const substitutesKey = ({ rejectedResources, filters }: TypeState): string =>
  `${rejectedKey(rejectedResources)}|${filterKey(filters)}`;

function filterKey(filters: TypeState['filters']): string {
  if (filters === null) return '';
  const keys = [...filters].map(([name, { rejected }]) => [
    name,
    [...rejected].map(([part, { hash, substitute }]) => [part, hash, substitute?.hash ?? null]).sort(),
  ]);
  return JSON.stringify(keys.sort());
}

function rejectedKey(rejectedResources: TypeState['rejectedResources']): string {
  if (rejectedResources === null) return '';
  const keys = [...rejectedResources].map(([name, { rejectedVersion, substitute }]) => [
    name,
    rejectedVersion,
    substitute?.version ?? null,
  ]);
  return JSON.stringify(keys.sort());
}

const noSubstitutes: ReadonlyMap<string, EncodedResource | null> = new Map();
