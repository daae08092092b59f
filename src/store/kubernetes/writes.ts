import { isDeepStrictEqual } from 'node:util';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { unreachable } from '../../kubernetes/errors.ts';
import { type ApiObject, asApiObject } from '../../kubernetes/object.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { ObjectKey, StoredObject, StoreRefusal, StoreWrite, Written } from '../../rules/store.ts';
import { keepLastApplied, keyOfWrite } from '../write.ts';
import { isNotFound, rejectionOf, unavailable } from './failure.ts';
import { collectionPath, type StoredKind, storedObjectPath } from './kinds.ts';
import { newObject, replacement, storedObjectOf } from './objects.ts';

export interface WriteObjectOptions {
  readonly client: KubernetesClient;
  readonly kind: StoredKind;
  /** The server decides, and keeps nothing. */
  readonly dryRun: boolean;
}

/** Request that carries a decision out. */
interface Request {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body: object;
}

/** Attempts of a write while others change the object between reading and writing. */
const attempts = 32;
/** Time for each request. A server that hangs must not hold a writer for long. */
const timeoutMs = 10_000;
/** Name under which `kubectl get --show-managed-fields` shows what came over the rules API. */
const fieldManager = 'binnacle';

/**
 * Writes one object: reads it, decides, and writes on the condition that it has not changed since. Rejects with
 * STORE_UNAVAILABLE where the server gives no decision; the message says whether something may have been written.
 */
export async function writeObject(
  write: StoreWrite,
  options: WriteObjectOptions,
): Promise<Result<Written, StoreRefusal>> {
  for (let attempt = 1; ; attempt++) {
    const current = await read(keyOfWrite(write), options);
    if (!current.ok) return current;
    const request = requestOf(write, current.value, options.kind);
    if (!request.ok) return request;
    const sent = await send(request.value, options);
    if (sent.type === 'done')
      return ok(writtenOf(request.value, { ...options, current: current.value, sent: sent.object }));
    if (sent.type === 'refused') return err(sent.refusal);
    if (attempt === attempts) throw unavailable(sent.error, 'nothing was written');
  }
}

async function read(
  key: ObjectKey,
  { client, kind }: WriteObjectOptions,
): Promise<Result<ApiObject | null, StoreRefusal>> {
  try {
    return ok(asApiObject(await client.request({ method: 'GET', path: storedObjectPath(kind, key), timeoutMs })));
  } catch (cause) {
    const error = unreachable(cause);
    if (isNotFound(error)) return ok(null);
    const refusal = rejectionOf(error, kind);
    if (refusal === null) throw unavailable(cause, 'nothing was written');
    return err(refusal);
  }
}

function requestOf(write: StoreWrite, current: ApiObject | null, kind: StoredKind): Result<Request, StoreRefusal> {
  const stored = current === null ? null : storedObjectOf(current, kind);
  const create = (): Result<Request, never> => {
    if (write.type === 'remove') throw new Error('a removal creates nothing');
    const { namespace } = write.draft.metadata;
    return ok({ method: 'POST', path: collectionPath(kind, namespace), body: newObject(write.draft, kind) });
  };
  switch (write.type) {
    case 'create':
      return stored === null ? create() : err({ type: 'exists', current: stored });
    case 'apply':
    case 'restore': {
      if (current === null || stored === null) return create();
      const draft = write.type === 'apply' ? keepLastApplied(write.draft, stored) : write.draft;
      return ok({
        method: 'PUT',
        path: storedObjectPath(kind, stored.metadata),
        body: replacement(current, draft, kind),
      });
    }
    case 'update':
    case 'remove': {
      if (current === null || stored === null) return err({ type: 'missing' });
      const { resourceVersion, uid } = stored.metadata;
      const expected = write.expectedResourceVersion;
      if (expected !== null && expected !== resourceVersion) return err({ type: 'conflict', current: stored });
      const path = storedObjectPath(kind, stored.metadata);
      if (write.type === 'update') return ok({ method: 'PUT', path, body: replacement(current, write.draft, kind) });
      const preconditions = expected === null ? { uid } : { uid, resourceVersion };
      return ok({ method: 'DELETE', path, body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions } });
    }
    default:
      return assertNever(write);
  }
}

type Sent =
  | { readonly type: 'done'; readonly object: ApiObject | null }
  | { readonly type: 'refused'; readonly refusal: StoreRefusal }
  /** The object is not as it was read. */
  | { readonly type: 'changed'; readonly error: unknown };

async function send({ method, path, body }: Request, { client, kind, dryRun }: WriteObjectOptions): Promise<Sent> {
  const query = new URLSearchParams({
    ...(method === 'DELETE' ? {} : { fieldManager, fieldValidation: 'Strict' }),
    ...(dryRun ? { dryRun: 'All' } : {}),
  });
  // The options in the body of a deletion replace those of the URL.
  const options = method === 'DELETE' && dryRun ? { dryRun: ['All'] } : {};
  try {
    const answer = await client.request({ method, path: `${path}?${query}`, body: { ...body, ...options }, timeoutMs });
    return { type: 'done', object: asApiObject(answer) };
  } catch (cause) {
    const error = unreachable(cause);
    if (error.status === 409 || (method !== 'POST' && isNotFound(error))) return { type: 'changed', error };
    const refusal = rejectionOf(error, kind);
    if (refusal !== null) return { type: 'refused', refusal };
    throw unavailable(cause, 'it may have been written');
  }
}

interface Answered extends WriteObjectOptions {
  readonly current: ApiObject | null;
  readonly sent: ApiObject | null;
}

function writtenOf({ method }: Request, { kind, dryRun, current, sent }: Answered): Written {
  const before = current === null ? null : storedObjectOf(current, kind);
  if (method === 'DELETE') {
    if (before === null) throw new Error('an object was removed that was not there');
    return { action: 'removed', object: before };
  }
  if (sent === null) throw unavailable(new Error('its answer is no object'), 'it may have been written');
  const object = storedObjectOf(sent, kind);
  if (before === null) return { action: 'created', object: dryRun ? withVersion(object, '') : object };
  const isSame = dryRun ? isEqual(before, object) : object.metadata.resourceVersion === before.metadata.resourceVersion;
  return {
    action: isSame ? 'unchanged' : 'updated',
    object: dryRun ? withVersion(object, before.metadata.resourceVersion) : object,
  };
}

const isEqual = (a: StoredObject, b: StoredObject): boolean => isDeepStrictEqual(contentOf(a), contentOf(b));

const contentOf = ({ metadata: { labels, annotations }, spec }: StoredObject) => ({ labels, annotations, spec });

const withVersion = (object: StoredObject, resourceVersion: string): StoredObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});
