import { backoffMs } from '../lib/backoff.ts';
import type { ListPage, WatchEvent } from './answers.ts';
import { isExpired, type KubernetesError } from './errors.ts';
import { type ApiObject, isOlder, type ObjectMetadata, objectPath } from './object.ts';

/** Change of one kind. `put` repeats what is known when nothing but the version changed. */
export type ClusterObjectChange =
  | { readonly type: 'put'; readonly object: ApiObject }
  | {
      readonly type: 'removed';
      readonly metadata: Pick<ObjectMetadata, 'name' | 'namespace'>;
      /** Version of the removal; null if it was found by listing. */
      readonly resourceVersion: string | null;
    };

/** Action that a follower of the kind takes next. */
export type Step =
  | { readonly type: 'list' }
  | { readonly type: 'watch'; readonly resourceVersion: string }
  | { readonly type: 'wait'; readonly ms: number };

/**
 * Trouble of a kind. `denied`: RBAC does not allow it. `missing`: the server does not serve the kind. `unreachable`: any
 * other failure. The objects known before stay.
 */
export interface KindTrouble {
  readonly type: 'denied' | 'missing' | 'unreachable';
  readonly message: string;
}

/** Reason of a listing that follows an earlier one. */
export const relistReasons = ['expired', 'versions-went-back', 'differs', 'selection'] as const;
export type RelistReason = (typeof relistReasons)[number];

/** Object as last received. */
interface Known {
  readonly version: string;
  readonly metadata: Pick<ObjectMetadata, 'name' | 'namespace'>;
}

/** Progress of one kind: what it knows and what to do next. Pure: no I/O, time comes as a parameter. */
export interface Reflector {
  next(): Step;
  /** Takes a page of the list that `next` asked for. The last page removes what no page had. */
  listed(page: ListPage): readonly ClusterObjectChange[];
  /** Takes events, or the empty batch with which a watch begins. */
  received(events: readonly WatchEvent[]): readonly ClusterObjectChange[];
  /** Ends a wait. */
  waited(): void;
  /** Notes that the server ended a watch, which is the usual end. */
  ended(): void;
  /** Notes the failure of a list or a watch. Returns the objects that are gone for good. */
  failed(error: KubernetesError, nowMs: number): readonly ClusterObjectChange[];
  /**
   * Compares a version of the server with `since`, which `version` was before the server was asked: meanwhile events may
   * have come. True: the server's version went back, so that the next step is a list.
   */
  probed(resourceVersion: string, since: string | null): boolean;
  /** Lists again, because the server's list differs. */
  differs(): void;
  /**
   * Forgets objects, and lists again if there were any, which reports them anew. A list or watch under way must be
   * aborted before it brings more. Returns whether there were any.
   */
  forget(isForgotten: (object: Known['metadata']) => boolean): boolean;
  /** Paths and versions of all objects. */
  known(): ReadonlyMap<string, Known>;
  /** Version up to which everything was received; null before the first list. */
  version(): string | null;
  /** True once it was listed in full, or the server said that there is nothing to list. */
  isSettled(): boolean;
  trouble(): KindTrouble | null;
  /** Reasons of listings since the last call. */
  takeRelists(): readonly RelistReason[];
}

export interface ReflectorOptions {
  readonly random?: () => number;
  /** Delays of retries, in milliseconds. */
  readonly retry?: { readonly baseMs: number; readonly maxMs: number };
  /** Time for which a kind must be missing before its objects are removed: an apiserver that starts answers 404, too. */
  readonly missingMs?: number;
}

export function createReflector(options: ReflectorOptions = {}): Reflector {
  const { random = Math.random, retry = { baseMs: 250, maxMs: 15_000 }, missingMs = 30_000 } = options;
  const objects = createKnownObjects();
  let version: string | null = null;
  let mustList = true;
  let attempts = 0;
  let waitMs: number | null = null;
  let isSettled = false;
  let trouble: KindTrouble | null = null;
  let missingSinceMs: number | null = null;
  let relists: RelistReason[] = [];

  function relist(reason: RelistReason): void {
    if (!mustList && version !== null) relists.push(reason);
    mustList = true;
    objects.abandonList();
  }

  function retryLater(error: KubernetesError | null): void {
    waitMs = Math.max(backoffMs(attempts, { ...retry, random }), error?.retryAfterMs ?? 0);
    attempts += 1;
  }

  function works(): void {
    attempts = 0;
    trouble = null;
    missingSinceMs = null;
  }

  function one({ type, object }: WatchEvent): readonly ClusterObjectChange[] {
    const { resourceVersion = '' } = object.metadata;
    if (version !== null && isOlder(resourceVersion, version)) relist('versions-went-back');
    else version = resourceVersion;
    if (type === 'BOOKMARK') return [];
    return type === 'DELETED' ? objects.remove(objectPath(object.metadata), resourceVersion) : objects.put(object);
  }

  /** Removes the objects of a kind that has been missing for long: its definition was deleted. */
  function missing(nowMs: number): readonly ClusterObjectChange[] {
    missingSinceMs ??= nowMs;
    if (nowMs - missingSinceMs < missingMs) return [];
    isSettled = true;
    return objects.removeAll();
  }

  return {
    next() {
      if (waitMs !== null) return { type: 'wait', ms: waitMs };
      return mustList || version === null ? { type: 'list' } : { type: 'watch', resourceVersion: version };
    },
    listed(page) {
      const changes = objects.listed(page.items);
      if (!page.isLast) return changes;
      const gone = objects.endList();
      mustList = false;
      version = page.resourceVersion;
      isSettled = true;
      trouble = null;
      missingSinceMs = null;
      return [...changes, ...gone];
    },
    received(events) {
      works();
      return events.flatMap(one);
    },
    waited() {
      waitMs = null;
    },
    ended() {
      if (attempts > 0) retryLater(null);
    },
    failed(error, nowMs) {
      objects.abandonList();
      if (isExpired(error)) {
        relist('expired');
        // The first time at once; a server that only ever says so is not asked without pause.
        if (attempts > 0) retryLater(error);
        else attempts = 1;
        return [];
      }
      retryLater(error);
      const { status, message } = error;
      trouble = { type: status === 403 ? 'denied' : status === 404 ? 'missing' : 'unreachable', message };
      if (status === 404) {
        isSettled ||= objects.known.size === 0;
        return missing(nowMs);
      }
      missingSinceMs = null;
      return [];
    },
    probed(resourceVersion, since) {
      if (mustList || since === null || !isOlder(resourceVersion, since)) return false;
      relist('versions-went-back');
      return true;
    },
    differs: () => relist('differs'),
    forget(isForgotten) {
      const hasForgotten = objects.forget(isForgotten);
      if (hasForgotten) relist('selection');
      return hasForgotten;
    },
    known: () => objects.known,
    version: () => version,
    isSettled: () => isSettled,
    trouble: () => trouble,
    takeRelists() {
      const taken = relists;
      relists = [];
      return taken;
    },
  };
}

/** Objects as last received, with the progress of the list under way. */
function createKnownObjects() {
  const known = new Map<string, Known>();
  /** Paths that the list under way had. */
  let listing: Set<string> | null = null;

  function put(object: ApiObject): readonly ClusterObjectChange[] {
    const path = objectPath(object.metadata);
    const { name, namespace, resourceVersion = '' } = object.metadata;
    listing?.add(path);
    if (known.get(path)?.version === resourceVersion && resourceVersion !== '') return [];
    known.set(path, { version: resourceVersion, metadata: namespace === undefined ? { name } : { name, namespace } });
    return [{ type: 'put', object }];
  }

  function remove(path: string, resourceVersion: string | null): readonly ClusterObjectChange[] {
    const gone = known.get(path);
    if (gone === undefined) return [];
    known.delete(path);
    return [{ type: 'removed', metadata: gone.metadata, resourceVersion }];
  }

  return {
    known,
    put,
    remove,
    removeAll: () => [...known.keys()].flatMap((path) => remove(path, null)),
    listed(items: readonly ApiObject[]) {
      listing ??= new Set();
      return items.flatMap(put);
    },
    /** Removes the objects that no page of the list had. */
    endList() {
      const paths = listing ?? new Set();
      listing = null;
      return [...known.keys()].filter((path) => !paths.has(path)).flatMap((path) => remove(path, null));
    },
    abandonList() {
      listing = null;
    },
    /** Returns whether any object was forgotten. */
    forget(isForgotten: (object: Known['metadata']) => boolean): boolean {
      const forgotten = [...known].filter(([, { metadata }]) => isForgotten(metadata));
      for (const [path] of forgotten) known.delete(path);
      return forgotten.length > 0;
    },
  };
}
