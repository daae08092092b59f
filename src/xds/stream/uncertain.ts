import type { EncodedResource } from '../../proto/resource.ts';
import type { Revision, Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';

/** A rejected response of which it is not known what the client took all the same. */
export interface UncertainResponse {
  /** What it brought. The list is the response's, and so shared between streams. */
  readonly names: readonly string[];
  /** Those of which the client has nothing from this response: it said that it rejects what came with it. */
  readonly rejected: ReadonlySet<string>;
  /** The response brought what its tables held at this revision; 0: they are not looked at any more, or it is too long ago. */
  readonly revision: Revision;
}

/** A few cost nothing, but they must not become many: above this the older half becomes one. */
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

/** Once a stream looks at other tables, they do not say what was in the responses of before. */
export const withoutRevisions = (uncertain: readonly UncertainResponse[]): readonly UncertainResponse[] =>
  uncertain.map((response) => ({ ...response, revision: 0 }));

/** The client rejects these versions, by name: whichever response brought one, it did not take it. */
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

/** The client has taken a version of these since. */
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
 * What the client may have of a name that was in rejected responses: the newest version of those that it is not known to
 * reject. Null: there is none. Undefined: it cannot be said any more.
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

/** What the tables held of a name at a revision; null: nothing; undefined: that is forgotten. */
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

/** For lists that are never changed, are shared between streams, and may hold all names of a mesh. */
export function hasName(names: readonly string[], name: string): boolean {
  if (names.length < 16) return names.includes(name);
  const set = nameSets.get(names) ?? new Set(names);
  nameSets.set(names, set);
  return set.has(name);
}

const nameSets = new WeakMap<readonly string[], ReadonlySet<string>>();
