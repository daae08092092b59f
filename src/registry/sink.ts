import type { ShardContents, ShardSink } from '../adapter-contract/adapter.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { isCallable } from '../model/endpoint.ts';
import type { ShardState, ShardStatus, ShardTrouble } from './contract.ts';
import type { ShardProblems } from './problems.ts';
import type { Shard } from './shard.ts';
import type { SnapshotWriter } from './snapshot-writer.ts';

export interface SinkOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly kind: string;
  readonly required: boolean;
  readonly isAwaitedBriefly: boolean;
  readonly syncTimeoutMs: number;
  readonly shard: Shard;
  readonly problems: ShardProblems;
  /** Writer of this shard's snapshot; null for none. */
  readonly snapshotWriter: SnapshotWriter | null;
  /** Called after each batch of changes and each change of state. */
  readonly changed: () => void;
}

/** Sink of a shard with its state machine: syncing, synced, degraded, stale. */
export interface TrackedSink {
  readonly sink: ShardSink;
  status(): ShardStatus;
  /** Returns the trouble of the shard; null while it is synced. */
  trouble(): ShardTrouble | null;
  /** Reports whether readiness waits for it. */
  isAwaited(): boolean;
  close(): Promise<void>;
  /** Empties the shard, closes it and removes its snapshot. */
  remove(): Promise<void>;
}

export function createTrackedSink(options: SinkOptions): TrackedSink {
  const { clock, log, shard, problems, snapshotWriter, changed } = options;
  let state: ShardState = 'syncing';
  let sinceMs = clock.now();
  let reason: string | null = null;
  let contentsAtMs: number | null = null;
  let hasSynced = false;
  let loading: Promise<void> = Promise.resolve();
  let closed = false;

  let hasTimedOut = false;

  const cancelTimeout = clock.after(options.syncTimeoutMs, () => {
    loading = serveSnapshot().then(() => {
      hasTimedOut = true;
      if (options.isAwaitedBriefly && !closed) changed();
    });
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

  /** Serves the snapshot, so that an adapter that does not sync in time leaves no new sidecar without configuration. */
  async function serveSnapshot(): Promise<void> {
    if (snapshotWriter === null) return;
    const snapshot = await snapshotWriter.load();
    if (snapshot === null || hasSynced || closed) return; // synced while the file was being read
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
      snapshotWriter?.touch();
      changed();
    },
    apply(changes) {
      if (closed) return;
      for (const change of changes) shard.apply(change);
      if (state === 'synced') contentsAtMs = clock.now();
      if (hasSynced) snapshotWriter?.touch();
      changed();
    },
    degraded(why) {
      if (closed) return;
      enter(state === 'stale' ? 'stale' : 'degraded', why); // the snapshot of an earlier run is served meanwhile
      changed();
    },
    recovered() {
      // A connection does not make a snapshot current; only a listing does.
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

  async function close(): Promise<void> {
    closed = true;
    cancelTimeout();
    await loading;
    await snapshotWriter?.close();
  }

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
      snapshot: snapshotWriter?.status() ?? { savedAtMs: null, problem: null },
      ...countsOf(shard),
      refused: problems.count(),
    }),
    trouble: () => (state === 'synced' ? null : { name: shard.name, state, reason }),
    isAwaited: () => options.required && contentsAtMs === null && !(options.isAwaitedBriefly && hasTimedOut),
    close,
    async remove() {
      closed = true;
      shard.replace(noContents);
      problems.clear();
      changed();
      await close();
      await snapshotWriter?.remove();
    },
  };
}

const noContents: ShardContents = { services: [], endpoints: [], workloads: [], objects: [] };

type ContentCounts = Pick<ShardStatus, 'services' | 'emptyServices' | 'endpoints' | 'objects' | 'workloads'>;

function countsOf(shard: Shard): ContentCounts {
  let endpoints = 0;
  let emptyServices = 0;
  for (const set of shard.sets.values()) endpoints += set.endpoints.length;
  for (const [key, { resolution, aliasOf }] of shard.services) {
    if (resolution !== 'static' || aliasOf) continue; // others find endpoints by name and address
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

/** Collects the contents of a shard for its snapshot. */
export const shardContents = (shard: Shard): ShardContents => ({
  services: [...shard.services.values()],
  endpoints: [...shard.sets.values()],
  workloads: [...shard.workloads.values()],
  objects: [...shard.objects.values()],
});
