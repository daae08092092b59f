import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { isCallable } from '../model/endpoint.ts';
import type { ShardContents, ShardSink } from '../platform/adapter.ts';
import type { ShardState, ShardStatus, ShardTrouble } from './contract.ts';
import type { Problems } from './problems.ts';
import type { Shard } from './shard.ts';
import type { SnapshotKeeper } from './snapshot-keeper.ts';

export interface SinkOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly kind: string;
  readonly required: boolean;
  readonly syncTimeoutMs: number;
  readonly shard: Shard;
  readonly problems: Problems;
  /** Null: this shard keeps no snapshot. */
  readonly keeper: SnapshotKeeper | null;
  /** Called after each batch of changes, and when the state changed. */
  readonly changed: () => void;
}

/** A shard's sink and what it has been told: the state machine of syncing, synced, degraded, stale. */
export interface TrackedSink {
  readonly sink: ShardSink;
  status(): ShardStatus;
  /** Null while it is synced. */
  trouble(): ShardTrouble | null;
  /** Whether readiness waits for it. */
  isAwaited(): boolean;
  close(): Promise<void>;
}

export function createTrackedSink(options: SinkOptions): TrackedSink {
  const { clock, log, shard, problems, keeper, changed } = options;
  let state: ShardState = 'syncing';
  let sinceMs = clock.now();
  let reason: string | null = null;
  let contentsAtMs: number | null = null;
  let hasSynced = false;
  let loading: Promise<void> = Promise.resolve();
  let closed = false;

  const cancelTimeout = clock.after(options.syncTimeoutMs, () => {
    loading = serveSnapshot();
  });

  function enter(next: ShardState, why: string | null): void {
    const isBad = next === 'degraded' || next === 'stale';
    if (next !== state || (isBad && reason !== why)) {
      log[isBad ? 'warn' : 'info']({ shard: shard.name, from: state, to: next, reason: why }, 'shard state changed');
    }
    if (next !== state) sinceMs = clock.now();
    state = next;
    reason = why;
  }

  /** An adapter that has not synced in time must not keep new sidecars from their traffic. */
  async function serveSnapshot(): Promise<void> {
    if (keeper === null) return;
    const snapshot = await keeper.load();
    if (snapshot === null || hasSynced || closed) return; // it has synced while the file was read
    shard.replace(snapshot.contents);
    contentsAtMs = snapshot.savedAtMs;
    enter('stale', reason ?? 'the registry has not answered since the start');
    changed();
  }

  const sink: ShardSink = {
    replace(contents) {
      if (closed) return;
      hasSynced = true;
      cancelTimeout();
      problems.clear();
      shard.replace(contents);
      contentsAtMs = clock.now();
      enter('synced', null);
      keeper?.touch();
      changed();
    },
    apply(changes) {
      if (closed) return;
      for (const change of changes) shard.apply(change);
      if (state === 'synced') contentsAtMs = clock.now();
      if (hasSynced) keeper?.touch();
      changed();
    },
    degraded(why) {
      if (closed) return;
      enter(state === 'stale' ? 'stale' : 'degraded', why); // what an earlier run left is served meanwhile
      changed();
    },
    recovered() {
      // what an earlier run left is not made current by a connection: only a listing does that
      if (closed) return;
      if (!hasSynced && state === 'degraded') enter('syncing', null);
      if (!hasSynced) return;
      contentsAtMs = clock.now();
      enter('synced', null);
      changed();
    },
    problem: (origin, message) => problems.add(origin, message),
    resolved: (origin) => problems.resolve(origin),
  };

  return {
    sink,
    status: () => ({
      name: shard.name,
      kind: options.kind,
      required: options.required,
      state,
      sinceMs,
      reason,
      contentsAtMs,
      snapshot: keeper?.status() ?? { savedAtMs: null, problem: null },
      ...countsOf(shard),
      refused: problems.count(),
    }),
    trouble: () => (state === 'synced' ? null : { name: shard.name, state, reason }),
    isAwaited: () => options.required && contentsAtMs === null,
    async close() {
      closed = true;
      cancelTimeout();
      await loading;
      await keeper?.close();
    },
  };
}

type Counts = Pick<ShardStatus, 'services' | 'emptyServices' | 'endpoints' | 'objects' | 'workloads'>;

function countsOf(shard: Shard): Counts {
  let endpoints = 0;
  let emptyServices = 0;
  for (const set of shard.sets.values()) endpoints += set.endpoints.length;
  for (const [key, { resolution, aliasOf }] of shard.services) {
    if (resolution !== 'static' || aliasOf) continue; // others are found by their names and addresses
    const isServed = shard.sets.get(key)?.endpoints.some(isCallable);
    if (isServed !== true) emptyServices++;
  }
  return {
    services: shard.services.size - emptyServices,
    emptyServices,
    endpoints,
    objects: shard.objects.size,
    workloads: shard.workloads.size,
  };
}

/** Everything in a shard at this moment, as a snapshot keeps it. */
export const contentsOf = (shard: Shard): ShardContents => ({
  services: [...shard.services.values()],
  endpoints: [...shard.sets.values()],
  workloads: [...shard.workloads.values()],
  objects: [...shard.objects.values()],
});
