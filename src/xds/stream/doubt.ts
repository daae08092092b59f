import type { EncodedResource } from '../../proto/resource.ts';
import type { Revision, Table } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';

/** A rejected response of which it is not known what the client took all the same. */
export interface Doubt {
  /** What it brought. The list is the response's, and so shared between streams. */
  readonly names: readonly string[];
  /** Those of which the client has nothing from this response: it said that it rejects what came with it. */
  readonly blamed: ReadonlySet<string>;
  /** The response brought what its tables held at this revision; 0: they are not looked at any more, or it is too long ago. */
  readonly revision: Revision;
}

/** A few cost nothing, but they must not become many: above this the older half becomes one. */
const mostDoubts = 8;

const nobody: ReadonlySet<string> = new Set();

export function withDoubt(doubts: readonly Doubt[], { brought, revision }: Response): readonly Doubt[] {
  const all = [...doubts, { names: brought, blamed: nobody, revision }];
  if (all.length <= mostDoubts) return all;
  const [older, newer] = [all.slice(0, mostDoubts / 2), all.slice(mostDoubts / 2)];
  return [{ names: [...new Set(older.flatMap(({ names }) => names))], blamed: nobody, revision: 0 }, ...newer];
}

/** Once a stream looks at other tables, they do not say what was in the responses of before. */
export const ofOtherTables = (doubts: readonly Doubt[]): readonly Doubt[] =>
  doubts.map((doubt) => ({ ...doubt, revision: 0 }));

/** The client rejects these versions, by name: whichever response brought one, it did not take it. */
export function withBlame(
  doubts: readonly Doubt[],
  tables: readonly Table[],
  rejected: ReadonlyMap<string, EncodedResource>,
): readonly Doubt[] {
  if (rejected.size === 0) return doubts;
  return doubts.map((doubt) => {
    if (doubt.revision === 0) return doubt;
    const blamed = [...rejected].filter(
      ([name, { version }]) => hasName(doubt.names, name) && recall(tables, name, doubt.revision)?.version === version,
    );
    return blamed.length === 0
      ? doubt
      : { ...doubt, blamed: new Set([...doubt.blamed, ...blamed.map(([name]) => name)]) };
  });
}

/** The client has taken a version of these since. */
export function withoutNames(doubts: readonly Doubt[], taken: ReadonlySet<string>): readonly Doubt[] {
  return doubts
    .map((doubt) => {
      const names = doubt.names.filter((name) => !taken.has(name));
      return names.length === doubt.names.length ? doubt : { ...doubt, names };
    })
    .filter(({ names }) => names.length > 0);
}

/**
 * What the client may have of a name that was in rejected responses: the newest version of those that it is not known to
 * reject. Null: there is none. Undefined: it cannot be said any more.
 */
export function mayHave(
  doubts: readonly Doubt[],
  tables: readonly Table[],
  name: string,
): EncodedResource | null | undefined {
  for (let at = doubts.length - 1; at >= 0; at--) {
    const doubt = doubts[at];
    if (doubt === undefined || doubt.blamed.has(name) || !hasName(doubt.names, name)) continue;
    if (doubt.revision === 0) return undefined;
    const brought = recall(tables, name, doubt.revision);
    if (brought !== null) return brought;
  }
  return null;
}

/** What the tables held of a name at a revision; null: nothing; undefined: that is forgotten. */
export function recall(tables: readonly Table[], name: string, revision: Revision): EncodedResource | null | undefined {
  for (const table of tables) {
    const resource = table.recall(name, revision);
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
