import { isMap, text } from './answer.ts';
import { changedPaths, withoutServerFields } from './changes.ts';
import type { ApiClient } from './client.ts';
import { type ServedKind, urlOf } from './kinds.ts';

/** Version of an object. */
export interface Version {
  /** Change: `created`, `updated` or `removed`. */
  readonly type: string;
  readonly resourceVersion: string;
  readonly author: string;
  /** Time in ISO 8601. */
  readonly time: string;
  readonly object: Readonly<Record<string, unknown>>;
}

export interface ObjectPlace {
  readonly kind: ServedKind;
  readonly namespace: string;
  readonly name: string;
}

/** Reads the stored versions of an object, newest first. */
export async function fetchHistory(client: ApiClient, { kind, ...place }: ObjectPlace): Promise<readonly Version[]> {
  const answer = await client.send({ path: `${urlOf(kind, place)}/history` });
  const items = isMap(answer) && Array.isArray(answer.items) ? answer.items.filter(isMap) : [];
  return items.map(({ type, resourceVersion, author, time, object }) => ({
    type: text(type),
    resourceVersion: text(resourceVersion),
    author: text(author),
    time: text(time),
    object: isMap(object) ? object : {},
  }));
}

/** Summarizes the change of a version: `spec.http[0].weight, 2 more`. */
export function changeSummary(version: Version, before: Version | undefined): string {
  if (version.type !== 'updated' || before === undefined) return '';
  const paths = changedPaths(withoutServerFields(before.object), withoutServerFields(version.object));
  const shown = paths.slice(0, 2);
  return [...shown, ...(paths.length > shown.length ? [`${paths.length - shown.length} more`] : [])].join(', ');
}
