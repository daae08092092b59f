import type { ServiceKey } from '../model/names.ts';
import type {
  RawChange,
  Registry,
  RegistryChange,
  RegistryOptions,
  ShardOptions,
  ShardProblem,
  Urgency,
} from './contract.ts';
import { createDepartures } from './departures.ts';
import { createGuests, type Guests } from './guests.ts';
import { createMergedView } from './merged-view.ts';
import { createProblems, type Problems } from './problems.ts';
import { createEntryRejectionLog } from './rejection-log.ts';
import { createShard, type Shard, type ShardListener } from './shard.ts';
import { createTrackedSink, shardContents, type TrackedSink } from './sink.ts';
import { createSnapshotWriter } from './snapshot-writer.ts';

const defaultSyncTimeoutMs = 10_000;
const defaultDepartedMs = 10_000;
/** Expiry interval of departed endpoints: a rollout must not cause one change for each of them. */
const departuresEveryMs = 1_000;

interface OpenShard {
  readonly shard: Shard;
  readonly problems: Problems;
  readonly tracked: TrackedSink;
}

/**
 * Creates the registry of this process. `shard` throws on a name that is opened twice, which is a bug of the caller.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const { clock, log, snapshotDir, departedMs = defaultDepartedMs, isGuestAllowed = () => false } = options;
  const open = new Map<string, OpenShard>();
  /** Shards ordered by name, so that merging does not depend on the order of configuration. */
  let shards: readonly Shard[] = [];
  const departures = createDepartures(clock.now, departedMs);
  let cancelDepartures: (() => void) | null = null;
  const guests: Guests = createGuests({
    isAllowed: isGuestAllowed,
    affected(key) {
      view.markService(key);
      pending = 'configuration';
    },
  });
  const leftOut = new Map<ServiceKey, string>();
  const view = createMergedView({
    shards: () => shards,
    departures,
    whyNot: guests.reasonAgainst,
    leftOut: noteLeftOut,
  });
  const raw = new Map<string, RawChange>();
  const changeListeners = new Set<(urgency: Urgency) => void>();
  const rawListeners = new Set<() => void>();
  let pending: Urgency | null = null;
  let rawPending = false;

  function tell(): void {
    const urgency = pending;
    const hasRaw = rawPending;
    pending = null;
    rawPending = false;
    if (hasRaw) for (const listener of rawListeners) listener();
    if (urgency !== null) for (const listener of changeListeners) listener(urgency);
  }

  function takeChanges(urgency?: Urgency): readonly RegistryChange[] {
    const changes = view.takeChanges(urgency);
    awaitDepartures();
    return changes;
  }

  function awaitDepartures(): void {
    const nextMs = cancelDepartures === null ? departures.nextMs() : null;
    if (nextMs === null) return;
    cancelDepartures = clock.after(Math.max(departuresEveryMs, nextMs - clock.now()), () => {
      cancelDepartures = null;
      for (const key of departures.due()) {
        view.markEndpoints(key);
        pending ??= 'endpoints';
      }
      tell();
      awaitDepartures();
    });
  }

  function noteLeftOut(service: ServiceKey, reason: string | null): void {
    if (reason === null) {
      leftOut.delete(service);
      log.info({ service }, 'registered instances counted again');
      return;
    }
    leftOut.set(service, reason);
    log.warn({ service, reason }, 'registered instances were left out');
  }

  function openShard(name: string, kind: string, options: ShardOptions): OpenShard {
    const problems = createProblems();
    const isGuest = options.isGuest ?? false;
    const refusals = createEntryRejectionLog(log, name);
    const listener: ShardListener = {
      serviceChanged(key) {
        const service = shard.services.get(key);
        if (isGuest) guests.guestChanged(name, key, service);
        else guests.defined(name, key, service);
        view.markService(key);
        pending = 'configuration';
      },
      endpointsChanged(key) {
        view.markEndpoints(key);
        pending ??= 'endpoints';
      },
      rawChanged(id, change) {
        raw.delete(`${name}/${id}`); // moves to the end: changes stay in order of last occurrence
        raw.set(`${name}/${id}`, change);
        rawPending = true;
      },
      refused(origin, message) {
        problems.add(origin, message);
        refusals.refused(origin, message);
      },
      accepted(origin) {
        problems.resolve(origin);
        refusals.accepted(origin);
      },
    };
    const shard: Shard = createShard(name, listener, isGuest);
    const keeper =
      snapshotDir === null || options.keepSnapshot === false
        ? null
        : createSnapshotWriter({
            clock,
            log,
            directory: snapshotDir,
            shard: name,
            contents: () => shardContents(shard),
          });
    const tracked = createTrackedSink({
      clock,
      log,
      kind,
      required: options.required ?? true,
      syncTimeoutMs: options.syncTimeoutMs ?? defaultSyncTimeoutMs,
      shard,
      problems,
      keeper,
      changed() {
        refusals.settle();
        tell();
      },
    });
    return { shard, problems, tracked };
  }

  function leftOutOf(name: string): readonly ShardProblem[] {
    const shard = open.get(name)?.shard;
    if (shard === undefined || !shard.isGuest) return [];
    const own = [...leftOut].filter(([key]) => shard.services.has(key));
    return own.map(([key, message]) => ({ shard: name, origin: `instances of ${key}`, message }));
  }

  return {
    shard(name, kind, options = {}) {
      if (open.has(name)) throw new Error(`the shard '${name}' is open already`);
      const opened = openShard(name, kind, options);
      open.set(name, opened);
      shards = [...open.values()].map(({ shard }) => shard).sort((a, b) => (a.name < b.name ? -1 : 1));
      return opened.tracked.sink;
    },
    takeChanges,
    takeRawChanges() {
      const changes = [...raw.values()];
      raw.clear();
      return changes;
    },
    onChange: (listener) => subscribe(changeListeners, listener),
    onRawChange: (listener) => subscribe(rawListeners, listener),
    awaited: () => [...open].filter(([, { tracked }]) => tracked.isAwaited()).map(([name]) => name),
    troubles: () => [...open.values()].flatMap(({ tracked }) => tracked.trouble() ?? []),
    services: () => view.services.values(),
    endpoints: (key) => view.sets.get(key),
    *endpointShards() {
      for (const shard of shards) for (const set of shard.sets.values()) yield { shard: shard.name, set };
    },
    shards: () => [...open.values()].map(({ tracked }) => tracked.status()),
    problems: () =>
      [...open].flatMap(([shard, { problems }]) => [
        ...problems.list().map((problem) => ({ shard, ...problem })),
        ...leftOutOf(shard),
      ]),
    whyNoGuest: guests.reasonAgainst,
    leftOut: () => leftOut,
    async close() {
      cancelDepartures?.();
      await Promise.all([...open.values()].map(({ tracked }) => tracked.close()));
    },
  };
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
