import type { EncodedResource } from '../../proto/resource.ts';
import type { StreamContext, StreamState, TypeState } from '../stream/stream.ts';
import type { Interest } from '../tables/interest.ts';
import type { Revision } from '../tables/table.ts';
import { partitionOf, type ResourcePart, rebuild } from './partition.ts';
import type { Filter, RejectedPart } from './state.ts';

/** Version of a part that the client is sent: the part itself, its substitute, or nothing. */
export function versionToSend(filter: Filter | undefined, part: ResourcePart): ResourcePart | null {
  const rejected = filter?.rejected.get(part.name);
  return rejected?.hash === part.hash ? rejected.substitute : part;
}

/** The resource for this client, with rejected parts substituted; null: nothing of it. */
export function filtered({ type, filters }: TypeState, resource: EncodedResource): EncodedResource | null {
  const filter = filters?.get(resource.name);
  return filter === undefined ? resource : rebuild(type, resource, (part) => versionToSend(filter, part));
}

/** Resources that this client is sent in another version than the tables have, by name; empty for nearly every client. */
export function filteredResources(
  state: TypeState,
  interest: Interest,
  names: Iterable<string> | null,
): ReadonlyMap<string, EncodedResource | null> {
  if (state.filters === null) return noSubstitutes;
  const found = new Map<string, EncodedResource | null>();
  for (const name of names ?? state.filters.keys()) {
    const resource = state.filters.has(name) ? interest.get(name)?.resource : undefined;
    if (resource === undefined) continue;
    const substitute = filtered(state, resource);
    if (substitute !== resource) found.set(name, substitute);
  }
  return found;
}

const noSubstitutes: ReadonlyMap<string, EncodedResource | null> = new Map();

/** Records that the client rejects a part. */
export function addRejected(state: TypeState, name: string, part: string, rejected: RejectedPart): void {
  const before = state.filters?.get(name);
  state.filters ??= new Map();
  state.filters.set(name, {
    rejected: new Map(before?.rejected).set(part, rejected),
    since: before?.since ?? state.acknowledged,
  });
}

/** Filters parts that clients of this kind, or this one on an earlier stream, are known to reject. */
export function filterKnown(stream: StreamState, state: TypeState, interest: Interest, context: StreamContext): void {
  const hasConfiguration = state.mayHaveResources || state.baseline.kind === 'map';
  for (const known of context.knownRejections.knownFor(stream.sender, state.type, hasConfiguration)) {
    const { name, part, hash, lastGood, error } = known;
    const resource = interest.get(name)?.resource;
    if (resource === undefined || partitionOf(state.type, resource).parts.get(part)?.hash !== hash) continue;
    addRejected(state, name, part, { hash, substitute: lastGood, error });
  }
}

/**
 * Drops rejections of versions that left the tables, once the client has accepted their successors, by `revision`.
 * Rejections of removed resources are dropped when everything is sent (`isAllSent`).
 */
export function dropRepaired(
  state: TypeState,
  accepted: Iterable<string>,
  { revision, isAllSent: isAllTold }: { readonly revision: Revision; readonly isAllSent: boolean },
): void {
  if (state.filters === null) return;
  for (const name of accepted) {
    const filter = state.filters.get(name);
    const entry = state.interest?.get(name);
    if (filter === undefined || entry === undefined || entry.changed > revision) continue;
    const left = liveRejections(state, name);
    if (left.length === 0) state.filters.delete(name);
    else if (left.length < filter.rejected.size) state.filters.set(name, { ...filter, rejected: new Map(left) });
  }
  for (const name of isAllTold ? state.filters.keys() : []) {
    if (state.interest?.get(name) === undefined) state.filters.delete(name);
  }
  if (state.filters.size === 0) state.filters = null;
}

/** The parts of a resource that are in the tables in the version that this client rejects. */
export function liveRejections(
  { type, filters, interest }: TypeState,
  name: string,
): readonly (readonly [string, RejectedPart])[] {
  const filter = filters?.get(name);
  const resource = interest?.get(name)?.resource;
  if (filter === undefined || resource === undefined) return [];
  const { parts } = partitionOf(type, resource);
  return [...filter.rejected].filter(([part, { hash }]) => parts.get(part)?.hash === hash);
}
