import { isOlder } from '../../kubernetes/object.ts';
import type { ClusterObjectChange, Reflector } from '../../kubernetes/reflector.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ObjectKey, StoreChange, StoredObject } from '../../rules/store.ts';
import { type ChangeLog, changeLog } from '../change-log.ts';
import { type ChangeListener, storeListeners } from '../listeners.ts';
import { objectIndex } from '../object-index.ts';
import type { StoredKind } from './kinds.ts';
import { storedObjectOf } from './objects.ts';

/** One kind that is followed. */
export interface FollowedKind {
  readonly kind: StoredKind;
  readonly reflector: Reflector;
}

/** The objects of all kinds as the watches brought them. They answer reads, and listeners hear of their changes. */
export interface FollowedObjects {
  get(key: ObjectKey): StoredObject | null;
  list(kind: string, namespace?: string): readonly StoredObject[];
  all(): readonly StoredObject[];
  /** Version up to which a kind is known; `0` before its first list. */
  versionOf(kind: string): string;
  changesSince(resourceVersion: string, kind: string): readonly StoreChange[] | null;
  subscribe(listener: ChangeListener): () => void;
  /** Takes the changes that a list or a watch brought, and what the reflector knows now. */
  take(followed: FollowedKind, changes: readonly ClusterObjectChange[]): void;
  /** Begins the log of a kind anew with its next list: the list does not tell in which order its objects changed. */
  relisting(kind: StoredKind): void;
  /** Puts objects of an earlier run in place, as long as the kind has not been listed. */
  restore(objects: readonly StoredObject[]): void;
  /** Resolves once `holds`, which is asked after every change, or after `ms`. */
  when(holds: () => boolean, ms: number): Promise<void>;
}

/** Limits for each kind how far back a watch can begin. */
const logLimits = { maxChanges: 10_000, maxBytes: 8 * 1024 * 1024 };

interface Progress {
  version: string;
  log: ChangeLog;
  isListing: boolean;
}

export function followedObjects({ clock, log }: { readonly clock: Clock; readonly log: Logger }): FollowedObjects {
  const index = objectIndex();
  const listeners = storeListeners(log);
  const progress = new Map<string, Progress>();
  const waiting = new Set<() => void>();

  const progressOf = (kind: string): Progress => {
    const known = progress.get(kind) ?? { version: '0', log: changeLog(0, logLimits), isListing: true };
    progress.set(kind, known);
    return known;
  };

  const changeOf = ({ kind, reflector }: FollowedKind, change: ClusterObjectChange): StoreChange | null => {
    if (change.type === 'put') {
      const object = storedObjectOf(change.object, kind);
      const previous = index.get({ kind: kind.kind, ...object.metadata });
      index.put(object);
      return { type: 'put', object, previous };
    }
    const { name, namespace = '' } = change.metadata;
    return removal({ kind: kind.kind, namespace, name }, change.resourceVersion ?? reflector.version() ?? '0');
  };

  const removal = (key: ObjectKey, resourceVersion: string): StoreChange | null => {
    const object = index.get(key);
    if (object === null) return null;
    index.remove(key);
    return { type: 'removed', key, object, resourceVersion };
  };

  /** Removes objects of an earlier run that the first list did not have. */
  const removalsOfFormer = ({ kind, reflector }: FollowedKind): readonly StoreChange[] => {
    const known = reflector.known();
    return index.list(kind.kind).flatMap(({ metadata: { namespace, name } }) => {
      const path = namespace === '' ? name : `${namespace}/${name}`;
      if (known.has(path)) return [];
      return removal({ kind: kind.kind, namespace, name }, reflector.version() ?? '0') ?? [];
    });
  };

  return {
    get: index.get,
    list: index.list,
    all: index.all,
    versionOf: (kind) => progressOf(kind).version,
    changesSince(resourceVersion, kind) {
      const { version, log: changes } = progressOf(kind);
      if (!/^(0|[1-9]\d{0,14})$/.test(resourceVersion) || isOlder(version, resourceVersion)) return null;
      return changes.since(Number(resourceVersion));
    },
    subscribe: (listener) =>
      listeners.add(
        listener,
        index.all().map((object) => ({ type: 'put', object, previous: null })),
      ),
    take(followed, changes) {
      const own = progressOf(followed.kind.kind);
      const committed = changes.flatMap((change) => changeOf(followed, change) ?? []);
      const isListed = followed.reflector.next().type === 'watch';
      if (own.isListing && isListed) committed.push(...removalsOfFormer(followed));
      const version = followed.reflector.version();
      if (own.isListing) {
        if (isListed && version !== null) {
          own.version = version;
          own.log = changeLog(Number(version), logLimits);
          own.isListing = false;
        }
      } else {
        for (const change of committed) own.log.append(change, bytesOf(change));
        own.version = version ?? own.version;
      }
      listeners.notify(committed);
      for (const ask of waiting) ask();
    },
    relisting({ kind }) {
      progressOf(kind).isListing = true;
    },
    restore(objects) {
      const restored = objects.filter(
        (object) =>
          progressOf(object.kind).version === '0' && index.get({ kind: object.kind, ...object.metadata }) === null,
      );
      for (const object of restored) index.put(object);
      listeners.notify(restored.map((object) => ({ type: 'put', object, previous: null })));
    },
    when(holds, ms) {
      if (holds()) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const ask = () => {
        if (holds()) resolve();
      };
      const cancel = clock.after(ms, resolve);
      waiting.add(ask);
      return promise.finally(() => {
        cancel();
        waiting.delete(ask);
      });
    },
  };
}

/** Approximate memory of a change: specs of rules are small, and are measured as JSON. */
const bytesOf = (change: StoreChange): number =>
  JSON.stringify(change.object.spec).length + (change.type === 'put' && change.previous !== null ? 512 : 256);
