import type { ServiceKey } from '../model/names.ts';
import { type ChangeNotifier, createChangeNotifier } from './change-notifier.ts';
import type { Registry, RegistryChange, RegistryOptions, ShardProblem, Urgency } from './contract.ts';
import { createDepartures } from './departures.ts';
import { createMergedView } from './merged-view.ts';
import { type OpenShard, openShard } from './open-shard.ts';
import { createRegistrationPolicy, type RegistrationPolicy } from './registration-policy.ts';
import type { Shard } from './shard.ts';

const defaultDepartedMs = 10_000;
/** Expiry interval of departed endpoints: a rollout must not cause one change for each of them. */
const departuresEveryMs = 1_000;

/**
 * Creates the registry of this process. `shard` throws on a name that is opened twice, which is a bug of the caller.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const { clock, log, departedMs = defaultDepartedMs } = options;
  const { isRegistrationAllowed = () => false, isOfOneAdapter = () => false } = options;
  const open = new Map<string, OpenShard>();
  /** Shards ordered by their adapters' positions, then by name. */
  let shards: readonly Shard[] = [];
  const notifier: ChangeNotifier = createChangeNotifier();
  const departures = createDepartures(clock.now, departedMs);
  let cancelDepartures: (() => void) | null = null;
  const policy: RegistrationPolicy = createRegistrationPolicy({
    isAllowed: isRegistrationAllowed,
    affected(key) {
      view.markService(key);
      notifier.changed('configuration');
    },
  });
  const excluded = new Map<ServiceKey, string>();
  const view = createMergedView({
    shards: () => shards,
    isOfOneAdapter,
    departures,
    registrationRefusal: policy.refusalOf,
    exclusionChanged: noteExclusion,
  });

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
        notifier.changed('endpoints');
      }
      notifier.notify();
      awaitDepartures();
    });
  }

  function noteExclusion(service: ServiceKey, reason: string | null): void {
    if (reason === null) {
      excluded.delete(service);
      log.info({ service }, 'registered instances counted again');
      return;
    }
    excluded.set(service, reason);
    log.warn({ service, reason }, 'registered instances were left out');
  }

  function exclusionsOf(name: string): readonly ShardProblem[] {
    const shard = open.get(name)?.shard;
    if (shard === undefined || !shard.isSelfRegistered) return [];
    const own = [...excluded].filter(([key]) => shard.services.has(key));
    return own.map(([key, message]) => ({ shard: name, origin: `instances of ${key}`, message }));
  }

  const orderShards = () => {
    shards = [...open.values()]
      .map(({ shard }) => shard)
      .sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  };

  return {
    shard(name, kind, given = {}) {
      if (open.has(name)) throw new Error(`the shard '${name}' is open already`);
      const opened = openShard({ ...options, ...given, name, kind, view, policy, notifier });
      open.set(name, opened);
      orderShards();
      return opened.tracked.sink;
    },
    async removeShard(name) {
      const removed = open.get(name)?.tracked.remove();
      open.delete(name);
      orderShards();
      await removed;
    },
    takeChanges,
    takeRawChanges: notifier.takeRawChanges,
    onChange: notifier.onChange,
    onRawChange: notifier.onRawChange,
    awaited: () => [...open].filter(([, { tracked }]) => tracked.isAwaited()).map(([name]) => name),
    troubles: () => [...open.values()].flatMap(({ tracked }) => tracked.trouble() ?? []),
    services: () => view.services.values(),
    endpoints: (key) => view.sets.get(key),
    *endpointShards() {
      for (const shard of shards)
        for (const [key, set] of shard.sets) yield { shard: shard.name, isUsed: view.usesEndpointsOf(shard, key), set };
    },
    shards: () => [...open.values()].map(({ tracked }) => tracked.status()),
    problems: () => [
      ...[...open].flatMap(([shard, { problems }]) => [
        ...problems.list().map((problem) => ({ shard, ...problem })),
        ...exclusionsOf(shard),
      ]),
      ...view.portConflicts(),
    ],
    registrationRefusal: policy.refusalOf,
    excludedRegistrations: () => excluded,
    async close() {
      cancelDepartures?.();
      await Promise.all([...open.values()].map(({ tracked }) => tracked.close()));
    },
  };
}
