import { join } from 'node:path';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { follow } from '../../kubernetes/follow.ts';
import { isOlder } from '../../kubernetes/object.ts';
import { createReflector } from '../../kubernetes/reflector.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { err, ok } from '../../lib/result.ts';
import type { RuleKind } from '../../rules/rule.ts';
import type { RuleStore, StoreCapabilities, StoreWrite, TransactionResult, Written } from '../../rules/store.ts';
import { memoryAudit } from '../memory/audit.ts';
import { storeOperations } from '../operations.ts';
import { keepRulesSnapshot } from '../sqlite/snapshot.ts';
import { auditEntryOf, keyOfWrite, keyText, type Stamp } from '../write.ts';
import { type FollowedKind, type FollowedObjects, followedObjects } from './followed-objects.ts';
import { storedKindPath, storedKinds } from './kinds.ts';
import { restoreSnapshot } from './restore.ts';
import { writeObject } from './writes.ts';

export interface KubernetesStoreOptions {
  /** The store does not close it. */
  readonly client: KubernetesClient;
  /** Kinds of objects. Those of the core group are read-only. */
  readonly kinds: readonly RuleKind[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Directory of `rules.snapshot.json`, which is served when a start does not reach the API server. */
  readonly dataDir: string;
  /** Time to list the objects before the snapshot is served. */
  readonly syncTimeoutMs: number;
  /** Interval of comparisons of the server's list with what was received. */
  readonly compareMs: number;
}

/** Rules store in a cluster, and how well it is connected. */
export interface KubernetesStore extends RuleStore {
  /** Reports whether its objects may be served: they were listed, or those of an earlier run are there. */
  isReady(): boolean;
  /** Reason why the objects may be stale; null if they are not. */
  trouble(): string | null;
}

/** A cluster keeps no versions of objects, and commits one object at a time. */
export const kubernetesCapabilities: StoreCapabilities = {
  transactions: false,
  countedVersions: false,
  history: false,
  ownIdentities: false,
};

/** Interval of comparisons of versions: an etcd that was restored is noticed within a minute. */
const probeMs = 30_000;
/** Time for a watch to bring what was written. A writer that is answered later would wait for a lost watch. */
const visibleMs = 5_000;

const oneByOne =
  'the rules are objects of a Kubernetes cluster, which commits one object at a time: write them one after another (atomic=false), or apply them with kubectl';

/** Opens a store whose objects are those of a cluster. Returns at once: `isReady` tells when they are known. */
export function openKubernetesStore(options: KubernetesStoreOptions): KubernetesStore {
  const { client, clock, log } = options;
  const objects = followedObjects({ clock, log });
  const followed = storedKinds(options.kinds).map((kind) => ({ kind, reflector: createReflector() }));
  const kindsByName = new Map(followed.map(({ kind }) => [kind.kind, kind]));
  const audit = memoryAudit();
  const closing = new AbortController();
  const writesByKey = new Map<string, Promise<unknown>>();

  const snapshot = keepRulesSnapshot({
    clock,
    log,
    databasePath: join(options.dataDir, 'rules.db'),
    contents: () => ({ objects: objects.all(), resourceVersion: '0' }),
  });
  const restored = restoreSnapshot(options, {
    signal: closing.signal,
    isNeeded: () => !followed.every(isListed),
    restore: objects.restore,
  });
  const running = followAll(followed, { ...options, objects, touch: snapshot.touch }, closing.signal);

  const write = async (one: StoreWrite, stamp: Stamp): Promise<TransactionResult> => {
    const { kind: name } = keyOfWrite(one);
    const kind = kindsByName.get(name);
    if (kind === undefined) throw new Error(`the store does not follow the kind ${name}`);
    if (kind.isReadOnly) {
      const message = `${kind.plural} belong to the cluster: change them there, with kubectl`;
      return err({ index: 0, refusal: { type: 'rejected', code: 403, message } });
    }
    const result = await writeObject(one, { client, kind, dryRun: stamp.dryRun });
    if (!result.ok) {
      const { error: refusal } = result;
      // The caller's next read must find the object that caused the conflict.
      if ('current' in refusal)
        await objects.when(() => hasReached(name, refusal.current.metadata.resourceVersion), visibleMs);
      return err({ index: 0, refusal });
    }
    if (stamp.dryRun) return ok([result.value]);
    await objects.when(() => isVisible(result.value), visibleMs);
    const { action, object } = result.value;
    const version = action === 'removed' ? objects.versionOf(name) : object.metadata.resourceVersion;
    const revision = action === 'unchanged' ? null : Number(version);
    const entry = auditEntryOf(stamp, { ...result.value, revision });
    if (entry !== null) audit.add(entry);
    return ok([result.value]);
  };

  const hasReached = (kind: string, version: string): boolean => !isOlder(objects.versionOf(kind), version);
  const isVisible = ({ action, object }: Written): boolean =>
    action === 'removed'
      ? objects.get({ kind: object.kind, ...object.metadata })?.metadata.uid !== object.metadata.uid
      : hasReached(object.kind, object.metadata.resourceVersion);

  /** Writes of one object go one after another, in the order in which they were asked for. */
  const inTurn = (one: StoreWrite, stamp: Stamp): Promise<TransactionResult> => {
    const key = keyText(keyOfWrite(one));
    const before = writesByKey.get(key) ?? Promise.resolve();
    const result = before.catch(() => {}).then(() => write(one, stamp));
    writesByKey.set(key, result);
    const forget = () => {
      if (writesByKey.get(key) === result) writesByKey.delete(key);
    };
    result.then(forget, forget);
    return result;
  };

  const transact = async (asked: readonly StoreWrite[], stamp: Stamp): Promise<TransactionResult> => {
    if (closing.signal.aborted) throw new MeshError('STORE_UNAVAILABLE', 'the rules store is closed');
    const [one, ...more] = asked;
    if (one === undefined) return ok([]);
    if (more.length > 0) return err({ index: 0, refusal: { type: 'unsupported', message: oneByOne } });
    return inTurn(JSON.parse(JSON.stringify(one)) as StoreWrite, stamp); // a copy: the caller may change the draft
  };

  return {
    ...storeOperations({ committed: { ...objects, list: listOf(objects) }, clock, transact }),
    capabilities: kubernetesCapabilities,
    history: async () => [],
    note: async (entry) => audit.add(entry),
    audit: async (query) => audit.query(query),
    isReady: () => followed.every(isListed) || restored.isDone(),
    trouble: () => troubleOf(followed),
    async close() {
      const writes = [...writesByKey.values()];
      closing.abort();
      await Promise.allSettled([...writes, running]);
      await snapshot.close();
    },
  };
}

const listOf = (objects: FollowedObjects) => (kind: string, namespace?: string) => ({
  items: objects.list(kind, namespace),
  resourceVersion: objects.versionOf(kind),
});

/** A kind that is denied is no reason to wait for ever; `trouble` tells of it. */
const isListed = ({ reflector }: FollowedKind): boolean =>
  reflector.isSettled() || reflector.trouble()?.type === 'denied';

function troubleOf(followed: readonly FollowedKind[]): string | null {
  for (const { kind, reflector } of followed) {
    const trouble = reflector.trouble();
    if (trouble !== null && trouble.type !== 'missing') return `${storedKindPath(kind)}: ${trouble.message}`;
  }
  return null;
}

interface Following extends Pick<KubernetesStoreOptions, 'client' | 'clock' | 'log' | 'compareMs'> {
  readonly objects: FollowedObjects;
  readonly touch: () => void;
}

async function followAll(
  followed: readonly FollowedKind[],
  { client, clock, log, compareMs, objects, touch }: Following,
  signal: AbortSignal,
): Promise<void> {
  const one = (kind: FollowedKind) =>
    follow(
      {
        client,
        clock,
        path: storedKindPath(kind.kind),
        reflector: kind.reflector,
        probeMs,
        compareMs,
        changed(changes) {
          objects.take(kind, changes);
          if (changes.length > 0) touch();
        },
        relisted(reason) {
          objects.relisting(kind.kind);
          log.info({ path: storedKindPath(kind.kind), reason }, 'kind listed again');
        },
        differed(objects) {
          log.warn({ path: storedKindPath(kind.kind), objects }, "objects differed from the server's list");
        },
      },
      signal,
    );
  await Promise.all(followed.map(one));
}
