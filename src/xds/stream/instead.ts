import type { EncodedResource } from '../../proto/resource.ts';
import { filtered, substitutes } from '../isolation/filter.ts';
import type { Interest } from '../tables/interest.ts';
import type { TypeState } from './stream.ts';

/** Stand-ins for resources of the tables: in a whole set (`names` is null), or among some names. */
export function insteadOf(
  state: TypeState,
  interest: Interest,
  names: readonly string[] | null,
): ReadonlyMap<string, EncodedResource | null> {
  const filters = substitutes(state, interest, names);
  const others = names === null ? standIns(state, interest) : nothingInstead;
  return filters.size === 0 ? others : new Map([...filters, ...others]);
}

/** What a whole set carries besides or instead of the tables: withheld removals, and what a rejected resource was before. */
function standIns(state: TypeState, interest: Interest): ReadonlyMap<string, EncodedResource | null> {
  if (state.withheld.length === 0 && state.held === null) return nothingInstead;
  const instead = new Map<string, EncodedResource | null>();
  for (const batch of state.withheld) {
    for (const [name, resource] of batch.names) {
      if (!interest.includes(name) || interest.get(name) !== undefined) continue;
      const held = state.held?.get(name);
      instead.set(name, held !== undefined && held.rejectedVersion === resource?.version ? held.keep : resource);
    }
  }
  for (const [name, { rejectedVersion, keep }] of state.held ?? []) {
    if (interest.get(name)?.resource.version === rejectedVersion) instead.set(name, keep);
  }
  return instead;
}

/** Without what is held, and what the client has already in the version that it is to have. */
export function withoutRejected(state: TypeState, interest: Interest, names: readonly string[]): readonly string[] {
  const { held, filters, baseline } = state;
  if (held === null && filters === null) return names;
  return names.filter((name) => {
    const resource = interest.get(name)?.resource;
    if (resource === undefined) return true;
    if (held?.get(name)?.rejectedVersion === resource.version) return false;
    if (filters?.has(name) !== true || baseline.kind === 'cursor') return true;
    return filtered(state, resource)?.version !== baseline.having.versions.get(name);
  });
}

/** Equal keys: the same stands in for the same. Part of cache keys. */
export const insteadKey = ({ held, filters }: TypeState): string => `${heldKey(held)}|${filterKey(filters)}`;

function filterKey(filters: TypeState['filters']): string {
  if (filters === null) return '';
  const keys = [...filters].map(([name, { rejected }]) => [
    name,
    [...rejected].map(([part, { hash, standIn }]) => [part, hash, standIn?.hash ?? null]).sort(),
  ]);
  return JSON.stringify(keys.sort());
}

function heldKey(held: TypeState['held']): string {
  if (held === null) return '';
  const keys = [...held].map(([name, { rejectedVersion, keep }]) => [name, rejectedVersion, keep?.version ?? null]);
  return JSON.stringify(keys.sort());
}

const nothingInstead: ReadonlyMap<string, EncodedResource | null> = new Map();
