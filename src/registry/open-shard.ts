import type { ChangeNotifier } from './change-notifier.ts';
import type { RegistryOptions, ShardOptions } from './contract.ts';
import type { MergedView } from './merged-view.ts';
import { createShardProblems, type ShardProblems } from './problems.ts';
import type { RegistrationPolicy } from './registration-policy.ts';
import { createEntryRejectionLog } from './rejection-log.ts';
import { createShard, type Shard, type ShardListener } from './shard.ts';
import { createTrackedSink, shardContents, type TrackedSink } from './sink.ts';
import { createSnapshotWriter } from './snapshot-writer.ts';

/** Shard of one adapter with its sink, its state and its rejected entries. */
export interface OpenShard {
  readonly shard: Shard;
  readonly problems: ShardProblems;
  readonly tracked: TrackedSink;
}

export interface OpenShardOptions extends ShardOptions, Pick<RegistryOptions, 'clock' | 'log' | 'snapshotDir'> {
  readonly name: string;
  readonly kind: string;
  readonly view: Pick<MergedView, 'markService' | 'markEndpoints'>;
  readonly policy: RegistrationPolicy;
  readonly notifier: ChangeNotifier;
}

const defaultSyncTimeoutMs = 10_000;

/** Opens a shard whose changes mark the merged view and notify at the end of each batch. */
export function openShard(options: OpenShardOptions): OpenShard {
  const { clock, log, name, kind, view, policy, notifier, isSelfRegistered = false } = options;
  const problems = createShardProblems();
  const rejections = createEntryRejectionLog(log, name);
  const listener: ShardListener = {
    serviceChanged(key) {
      const service = shard.services.get(key);
      if (isSelfRegistered) policy.registrationChanged(name, key, service);
      else policy.definitionChanged(name, key, service);
      view.markService(key);
      notifier.changed('configuration');
    },
    endpointsChanged(key) {
      view.markEndpoints(key);
      notifier.changed('endpoints');
    },
    rawChanged: (id, change) => notifier.rawChanged(`${name}/${id}`, change),
    refused(origin, message) {
      problems.add(origin, message);
      rejections.refused(origin, message);
    },
    accepted(origin) {
      problems.resolve(origin);
      rejections.accepted(origin);
    },
  };
  const shard: Shard = createShard({ name, isSelfRegistered, order: options.order ?? 0 }, listener);
  const tracked = createTrackedSink({
    clock,
    log,
    kind,
    required: options.required ?? true,
    isAwaitedBriefly: options.isAwaitedBriefly ?? false,
    syncTimeoutMs: options.syncTimeoutMs ?? defaultSyncTimeoutMs,
    shard,
    problems,
    snapshotWriter: snapshotWriterOf(shard, options),
    changed() {
      rejections.settle();
      notifier.notify();
    },
  });
  return { shard, problems, tracked };
}

function snapshotWriterOf(shard: Shard, { clock, log, snapshotDir, savesSnapshot = true }: OpenShardOptions) {
  if (snapshotDir === null || !savesSnapshot) return null;
  const contents = () => shardContents(shard);
  return createSnapshotWriter({ clock, log, directory: snapshotDir, shard: shard.name, contents });
}
