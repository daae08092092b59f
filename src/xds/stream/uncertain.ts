import type { EncodedResource } from '../../proto/resource.ts';
import type { Revision, Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';

/** A rejected response that the client may have applied in part. */
export interface UncertainResponse {
  /** Names that it updated. The list belongs to the response and is shared between streams. */
  readonly names: readonly string[];
  /** Names whose version of this response the client is known to reject. */
  readonly rejected: ReadonlySet<string>;
  /** Revision of the tables that it was built from; 0: the stream has other tables by now, or it is too old. */
  readonly revision: Revision;
}

/** Above this number, the older half is merged into one without a revision. */
const maxUncertain = 8;

const noNames: ReadonlySet<string> = new Set();

export function withUncertain(
  uncertain: readonly UncertainResponse[],
  { updated, revision }: Response,
): readonly UncertainResponse[] {
  const all = [...uncertain, { names: updated, rejected: noNames, revision }];
  if (all.length <= maxUncertain) return all;
  const [older, newer] = [all.slice(0, maxUncertain / 2), all.slice(maxUncertain / 2)];
  return [{ names: [...new Set(older.flatMap(({ names }) => names))], rejected: noNames, revision: 0 }, ...newer];
}

/** Drops the revisions: after a change of view, the tables no longer know the contents of earlier responses. */
export const withoutRevisions = (uncertain: readonly UncertainResponse[]): readonly UncertainResponse[] =>
  uncertain.map((response) => ({ ...response, revision: 0 }));

/** Records rejected versions by name: the client has none of them, whichever response contained it. */
export function withRejected(
  uncertain: readonly UncertainResponse[],
  tables: readonly Table[],
  rejected: ReadonlyMap<string, EncodedResource>,
): readonly UncertainResponse[] {
  if (rejected.size === 0) return uncertain;
  return uncertain.map((response) => {
    if (response.revision === 0) return response;
    const named = [...rejected].filter(
      ([name, { version }]) =>
        hasName(response.names, name) && resourceAt(tables, name, response.revision)?.version === version,
    );
    return named.length === 0
      ? response
      : { ...response, rejected: new Set([...response.rejected, ...named.map(([name]) => name)]) };
  });
}

/** Drops names of which the client has accepted a version since. */
export function withoutNames(
  uncertain: readonly UncertainResponse[],
  accepted: ReadonlySet<string>,
): readonly UncertainResponse[] {
  return uncertain
    .map((response) => {
      const names = response.names.filter((name) => !accepted.has(name));
      return names.length === response.names.length ? response : { ...response, names };
    })
    .filter(({ names }) => names.length > 0);
}

/**
 * Finds the newest version of a name in rejected responses that the client is not known to reject. Null: there is none.
 * Undefined: unknown by now.
 */
export function newestPossible(
  uncertain: readonly UncertainResponse[],
  tables: readonly Table[],
  name: string,
): EncodedResource | null | undefined {
  for (let at = uncertain.length - 1; at >= 0; at--) {
    const response = uncertain[at];
    if (response === undefined || response.rejected.has(name) || !hasName(response.names, name)) continue;
    if (response.revision === 0) return undefined;
    const updated = resourceAt(tables, name, response.revision);
    if (updated !== null) return updated;
  }
  return null;
}

/** Version of a name in the tables at a revision; null: it did not exist; undefined: forgotten. */
export function resourceAt(
  tables: readonly Table[],
  name: string,
  revision: Revision,
): EncodedResource | null | undefined {
  for (const table of tables) {
    const resource = table.resourceAt(name, revision);
    if (resource !== null) return resource;
  }
  return null;
}

/**
 * Returns true if a list has a name. Builds a set once per list: lists are immutable, shared, and may have all names of
 * a mesh.
 */
export function hasName(names: readonly string[], name: string): boolean {
  if (names.length < 16) return names.includes(name);
  const set = nameSets.get(names) ?? new Set(names);
  nameSets.set(names, set);
  return set.has(name);
}

const nameSets = new WeakMap<readonly string[], ReadonlySet<string>>();
