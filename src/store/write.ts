import { isDeepStrictEqual } from 'node:util';
import { assertNever } from '../lib/assert-never.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { RuleMetadata } from '../rules/rule.ts';
import type {
  AuditEntry,
  HistoryEntry,
  ObjectDraft,
  ObjectKey,
  RequestFacts,
  StoredObject,
  StoreRefusal,
  StoreWrite,
  Written,
} from '../rules/store.ts';

/** Author, time and request of a transaction. */
export interface Stamp {
  readonly author: string;
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  readonly request: RequestFacts | null;
  readonly dryRun: boolean;
}

/** Writes that are committed together or not at all. Plain data, as it crosses threads as JSON. */
export interface Transaction extends Stamp {
  readonly writes: readonly StoreWrite[];
}

/** Decision about one write of a transaction. */
export interface Decided extends Written {
  /** Version of the change; null when nothing changes. */
  readonly revision: number | null;
}

export interface DecideOptions {
  /** Returns the object before the transaction. */
  readonly read: (key: ObjectKey) => StoredObject | null;
  /** The store's counter before the transaction. */
  readonly revision: number;
  readonly newUid: () => string;
}

/**
 * Decides the writes of a transaction in order, each against the results of those before it. All stores share these
 * rules. The first refusal refuses the whole transaction. A dry run returns objects with their current version, or `''`
 * for an object that does not exist.
 */
export function decideTransaction(
  transaction: Transaction,
  { read, revision, newUid }: DecideOptions,
): Result<readonly Decided[], { readonly index: number; readonly refusal: StoreRefusal }> {
  const touched = new Map<string, StoredObject | null>();
  const decided: Decided[] = [];
  let counter = revision;
  for (const [index, write] of transaction.writes.entries()) {
    const key = keyOfWrite(write);
    const text = keyText(key);
    const there = touched.get(text);
    const current = there === undefined ? read(key) : there;
    const decision = decideWrite(current, write, { revision: counter + 1, time: transaction.time, newUid });
    if (!decision.ok) return err({ index, refusal: decision.error });
    const { action, object } = decision.value;
    if (action !== 'unchanged') counter++;
    touched.set(text, action === 'removed' ? null : object);
    decided.push({
      action,
      object: transaction.dryRun ? withVersion(object, read(key)?.metadata.resourceVersion ?? '') : object,
      revision: action === 'unchanged' ? null : counter,
    });
  }
  return ok(decided);
}

export const keyOf = (object: { kind: string; metadata: { namespace: string; name: string } }): ObjectKey => ({
  kind: object.kind,
  namespace: object.metadata.namespace,
  name: object.metadata.name,
});

/** Unique text of a key: names and kinds contain no slash. */
export const keyText = (key: ObjectKey): string => `${key.kind}/${key.namespace}/${key.name}`;

/** History entry of a change; null when nothing changes. */
export function historyEntryOf({ author, time }: Stamp, { action, object, revision }: Decided): HistoryEntry | null {
  if (action === 'unchanged' || revision === null) return null;
  return { type: action, resourceVersion: String(revision), author, time, object };
}

/** Audit entry of a change; null when nothing changes, or when no API request made the change. */
export function auditEntryOf(
  { author, time, request }: Stamp,
  { action, object, revision }: Decided,
): AuditEntry | null {
  if (request === null || revision === null) return null;
  return {
    ...request,
    time,
    author,
    ...keyOf(object),
    code: action === 'created' ? 201 : 200,
    message: null,
    resourceVersion: String(revision),
  };
}

export const keyOfWrite = (write: StoreWrite): ObjectKey => (write.type === 'remove' ? write.key : keyOf(write.draft));

interface WriteContext {
  /** Version of the change, if there is one. */
  readonly revision: number;
  readonly time: string;
  readonly newUid: () => string;
}

function decideWrite(
  current: StoredObject | null,
  write: StoreWrite,
  context: WriteContext,
): Result<Written, StoreRefusal> {
  switch (write.type) {
    case 'create':
      return current === null ? created(write.draft, context) : err({ type: 'exists', current });
    case 'apply':
      return current === null
        ? created(write.draft, context)
        : updated(current, keepLastApplied(write.draft, current), context);
    case 'restore': {
      const identity = identityOf(write);
      return current === null
        ? created(write.draft, context, identity)
        : updated(current, write.draft, context, identity);
    }
    case 'update':
    case 'remove': {
      if (current === null) return err({ type: 'missing' });
      const { expectedResourceVersion: expected } = write;
      if (expected !== null && expected !== current.metadata.resourceVersion) return err({ type: 'conflict', current });
      return write.type === 'remove'
        ? ok({ action: 'removed', object: current })
        : updated(current, write.draft, context);
    }
    default:
      return assertNever(write);
  }
}

/** Annotation that `kubectl apply` compares the next file with. Only kubectl writes it. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** Keeps the annotation when another client applies the object, so that kubectl finds no difference afterwards. */
export function keepLastApplied(draft: ObjectDraft, { metadata }: StoredObject): ObjectDraft {
  const lastApplied = metadata.annotations[lastAppliedAnnotation];
  const { annotations } = draft.metadata;
  if (lastApplied === undefined || annotations[lastAppliedAnnotation] !== undefined) return draft;
  return {
    ...draft,
    metadata: { ...draft.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: lastApplied } },
  };
}

type ObjectIdentity = Partial<Pick<RuleMetadata, 'creationTimestamp' | 'uid'>>;

const identityOf = ({ creationTimestamp, uid }: Extract<StoreWrite, { type: 'restore' }>): ObjectIdentity => ({
  ...(creationTimestamp === null ? {} : { creationTimestamp }),
  ...(uid === null ? {} : { uid }),
});

function created(draft: ObjectDraft, context: WriteContext, identity: ObjectIdentity = {}): Result<Written, never> {
  const { name, namespace, labels, annotations } = draft.metadata;
  const metadata: RuleMetadata = {
    name,
    namespace,
    labels,
    annotations,
    creationTimestamp: identity.creationTimestamp ?? context.time,
    generation: 1,
    resourceVersion: String(context.revision),
    uid: identity.uid ?? context.newUid(),
  };
  const object = { kind: draft.kind, apiVersion: draft.apiVersion, metadata, spec: draft.spec };
  return ok({ action: 'created', object });
}

function updated(
  current: StoredObject,
  draft: ObjectDraft,
  { revision }: WriteContext,
  identity: ObjectIdentity = {},
): Result<Written, never> {
  const { labels, annotations } = draft.metadata;
  const before = current.metadata;
  const sameSpec = isDeepStrictEqual(current.spec, draft.spec);
  const sameRest =
    current.apiVersion === draft.apiVersion &&
    (identity.creationTimestamp ?? before.creationTimestamp) === before.creationTimestamp &&
    (identity.uid ?? before.uid) === before.uid &&
    isDeepStrictEqual(before.labels, labels) &&
    isDeepStrictEqual(before.annotations, annotations);
  if (sameSpec && sameRest) return ok({ action: 'unchanged', object: current });
  const generation = before.generation + (sameSpec ? 0 : 1);
  const metadata = { ...before, ...identity, labels, annotations, generation, resourceVersion: String(revision) };
  return ok({
    action: 'updated',
    object: { kind: current.kind, apiVersion: draft.apiVersion, metadata, spec: draft.spec },
  });
}

const withVersion = (object: StoredObject, resourceVersion: string): StoredObject =>
  object.metadata.resourceVersion === resourceVersion
    ? object
    : { ...object, metadata: { ...object.metadata, resourceVersion } };
