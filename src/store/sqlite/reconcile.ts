import type { ObjectKey, StoredObject } from '../../rules/store.ts';
import type { Commit, CommittedObjects } from '../committed.ts';
import { keyOf, keyText } from '../write.ts';

/** Contents of a database that was reopened. */
export interface ReopenedDatabase {
  readonly objects: readonly StoredObject[];
  readonly revision: number;
  /** The newest removals. They include at least those after the last known version. */
  readonly removals: readonly { readonly key: ObjectKey; readonly revision: number }[];
  /** Length of the JSON of all objects together. */
  readonly bytes: number;
}

/**
 * Applies the difference between the database and the committed objects as one commit. The database committed it just
 * before its thread died, and no answer reported it yet.
 */
export function reconcile(committed: CommittedObjects, found: ReopenedDatabase): void {
  const known = new Map(committed.all().map((object) => [keyText(keyOf(object)), object]));
  const removedAt = new Map(found.removals.map(({ key, revision }) => [keyText(key), revision]));
  const bytes = Math.ceil(found.bytes / Math.max(1, found.objects.length));
  const commits: { readonly revision: number; readonly commit: Commit }[] = [];
  for (const object of found.objects) {
    const text = keyText(keyOf(object));
    const before = known.get(text);
    known.delete(text);
    const { resourceVersion, uid } = object.metadata;
    if (before?.metadata.resourceVersion === resourceVersion && before.metadata.uid === uid) continue;
    const action = before === undefined ? 'created' : 'updated';
    commits.push({ revision: Number(resourceVersion), commit: { action, object, bytes } });
  }
  for (const [text, object] of known) {
    const revision = removedAt.get(text) ?? found.revision;
    commits.push({ revision, commit: { action: 'removed', key: keyOf(object), revision, bytes } });
  }
  commits.sort((a, b) => a.revision - b.revision);
  committed.commit(
    commits.map(({ commit }) => commit),
    found.revision,
  );
}
