import { isDeepStrictEqual } from 'node:util';
import { assertNever } from '../../lib/assert-never.ts';
import { err, ok } from '../../lib/result.ts';
import type { RuleMetadata } from '../rule.ts';
import type { HistoryEntry, ObjectDraft, ObjectKey, StoreChange, StoredObject, WriteResult } from './store.ts';

interface Stamp {
  readonly author: string;
  /** ISO 8601 with milliseconds. */
  readonly time: string;
}

/** A write on its way to where it is decided. Plain data: it crosses threads. */
export type Write =
  | (Stamp & { readonly type: 'create'; readonly draft: ObjectDraft; readonly uid: string })
  | (Stamp & { readonly type: 'update'; readonly draft: ObjectDraft; readonly expected: string | null })
  | (Stamp & { readonly type: 'remove'; readonly key: ObjectKey; readonly expected: string | null });

/** What a write comes to. `entry` is null when nothing changes: it was refused, or it says what is there already. */
export interface Decision {
  readonly result: WriteResult;
  readonly entry: HistoryEntry | null;
}

export const keyOf = (object: { kind: string; metadata: { namespace: string; name: string } }): ObjectKey => ({
  kind: object.kind,
  namespace: object.metadata.namespace,
  name: object.metadata.name,
});

export const keyOfWrite = (write: Write): ObjectKey => (write.type === 'remove' ? write.key : keyOf(write.draft));

/** Names and kinds hold no slash, so the text is unique. */
export const keyText = (key: ObjectKey): string => `${key.kind}/${key.namespace}/${key.name}`;

export const changeOf = (entry: HistoryEntry): StoreChange =>
  entry.type === 'removed' ? { type: 'removed', key: keyOf(entry.object) } : { type: 'put', object: entry.object };

/** Decides a write against the object that is there; the rules of every store. `revision` is the next of the counter. */
export function decideWrite(current: StoredObject | null, write: Write, revision: number): Decision {
  switch (write.type) {
    case 'create':
      if (current !== null) return refused(err({ type: 'exists', current }));
      return changed('created', write, newObject(write.draft, revision, write));
    case 'update':
    case 'remove': {
      if (current === null) return refused(err({ type: 'missing' }));
      const { resourceVersion } = current.metadata;
      if (write.expected !== null && write.expected !== resourceVersion) {
        return refused(err({ type: 'conflict', current }));
      }
      if (write.type === 'remove') return changed('removed', write, current, revision);
      const object = updatedObject(current, write.draft, revision);
      return object === current ? refused(ok(current)) : changed('updated', write, object);
    }
    default:
      return assertNever(write);
  }
}

const refused = (result: WriteResult): Decision => ({ result, entry: null });

function changed(
  type: HistoryEntry['type'],
  { author, time }: Stamp,
  object: StoredObject,
  revision = Number(object.metadata.resourceVersion),
): Decision {
  return { result: ok(object), entry: { type, resourceVersion: String(revision), author, time, object } };
}

function newObject(draft: ObjectDraft, revision: number, { uid, time }: { uid: string; time: string }): StoredObject {
  const { name, namespace, labels, annotations } = draft.metadata;
  const resourceVersion = String(revision);
  const metadata: RuleMetadata = {
    name,
    namespace,
    labels,
    annotations,
    creationTimestamp: time,
    generation: 1,
    resourceVersion,
    uid,
  };
  return { kind: draft.kind, apiVersion: draft.apiVersion, metadata, spec: draft.spec };
}

function updatedObject(current: StoredObject, draft: ObjectDraft, revision: number): StoredObject {
  const { labels, annotations } = draft.metadata;
  const sameSpec = isDeepStrictEqual(current.spec, draft.spec);
  const sameRest =
    current.apiVersion === draft.apiVersion &&
    isDeepStrictEqual(current.metadata.labels, labels) &&
    isDeepStrictEqual(current.metadata.annotations, annotations);
  if (sameSpec && sameRest) return current;
  const generation = current.metadata.generation + (sameSpec ? 0 : 1);
  const metadata = { ...current.metadata, labels, annotations, generation, resourceVersion: String(revision) };
  return { kind: current.kind, apiVersion: draft.apiVersion, metadata, spec: draft.spec };
}
