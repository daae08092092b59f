import type { ShardChange, ShardContents, ShardSink, WatchCounters } from '../../src/adapter-contract/adapter.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { createReflector } from '../../src/kubernetes/reflector.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { type ClusterList, type ExtraList, namespaceList, type ShardListOptions, shardLists } from './cluster-lists.ts';
import { createClusterObjects } from './cluster-objects.ts';
import type { DiscoverySelector } from './discovery-selectors.ts';
import type { EntryProblems } from './entry-problems.ts';
import { type Followed, followList } from './follow-list.ts';
import { followCredentials } from './referenced-credentials.ts';
import { createSelectedNamespaces } from './selected-namespaces.ts';
import { createKubernetesView } from './translate-view.ts';

export interface ClusterOptions extends ShardListOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sink: ShardSink;
  readonly problems: EntryProblems;
  readonly domainSuffix: string;
  readonly clusterId: string;
  /** Without it: that of the root namespace's label. */
  readonly network?: string | undefined;
  readonly discoverySelectors: readonly DiscoverySelector[];
  readonly reconcileSeconds: number;
  readonly counters: WatchCounters;
  /** Follows the Secrets and ConfigMaps that rules refer to, and reports what is wrong with them. */
  readonly checkCredentials: boolean;
  /** Creates lists that are followed, too, before the shard counts as synced. Called for each new beginning. */
  readonly extraLists?: (() => readonly ExtraList[]) | undefined;
  /** Called after each complete listing. */
  readonly listed?: (() => void) | undefined;
}

/** Interval of comparisons of versions: an etcd that was restored is noticed within a minute. */
const probeMs = 30_000;

/** Longest time that an endpoint may be in no slice of its Service while it moves from one to another. */
const holdMs = 2_000;

/** Brings one cluster into a shard until `signal` aborts. It begins anew when the cluster's network changes. */
export async function followCluster(options: ClusterOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const restart = new AbortController();
    await followOnce(options, { signal: AbortSignal.any([signal, restart.signal]), restart: () => restart.abort() });
  }
}

interface Lifetime {
  readonly signal: AbortSignal;
  readonly restart: () => void;
}

async function followOnce(options: ClusterOptions, { signal, restart }: Lifetime): Promise<void> {
  const { client, clock, log, sink, problems, counters, reconcileSeconds, discoverySelectors: selectors } = options;
  const namespaces = createSelectedNamespaces({ selectors, rootNamespace: options.rootNamespace });
  const followed: Followed[] = [];
  const objects = createClusterObjects({ problems, counters, namespaces });
  const { report } = objects;
  let isPublished = false;
  let isDegraded = false;
  let cancelNext = () => {};

  const compareMs = reconcileSeconds * 1_000;
  const credentials =
    options.rules && options.checkCredentials
      ? followCredentials({ client, clock, probeMs, compareMs, report }, signal)
      : null;

  function publish(): void {
    const view = objects.view();
    if (view === null || (!isPublished && !followed.every(isReady))) return;
    const changes = view.takeChanges();
    if (!isPublished) {
      isPublished = true;
      problems.replace(contentsOf(changes));
      options.listed?.();
    } else if (changes.length > 0) sink.apply(changes);
    credentials?.apply(changes);
    const nextMs = view.nextMs();
    cancelNext();
    if (nextMs !== null) cancelNext = clock.after(Math.max(1, nextMs - clock.now()), publish);
  }

  /** Removes the objects of namespaces that are no longer selected, and lists those of others anew. */
  function select(gained: ReadonlySet<string>, lost: ReadonlySet<string>): void {
    for (const one of followed.filter(({ isSelectable }) => isSelectable)) {
      for (const { metadata } of one.reflector.known().values()) {
        if (lost.has(metadata.namespace ?? '')) objects.remove(one.kind, metadata);
      }
      // Their objects were not kept when they came.
      if (one.reflector.forget(({ namespace = '' }) => gained.has(namespace))) one.restart.abort();
    }
  }

  function begin(list: ClusterList & { readonly received: Followed['received'] }): Followed {
    const one = { ...list, reflector: createReflector(), restart: new AbortController() };
    followed.push(one);
    return one;
  }

  const keepFollowing = (one: Followed): Promise<void> =>
    followList(
      one,
      {
        ...{ client, clock, log, counters, probeMs, compareMs },
        applied() {
          publish();
          isDegraded = judge(followed, { sink, report, isDegraded });
        },
      },
      signal,
    );

  /** Follows the namespaces. `known` resolves once it is clear which are selected. */
  function followNamespaces(): { readonly known: Promise<void>; readonly ended: Promise<void> } {
    const list = namespaceList(options, selectors.length > 0);
    if (list === null) return { known: Promise.resolve(), ended: Promise.resolve() };
    const { promise: known, resolve } = Promise.withResolvers<void>();
    const one: Followed = begin({
      ...list,
      received(changes) {
        const before = namespaces.network();
        const { gained, lost } = namespaces.received(changes);
        select(gained, lost);
        if (objects.view() !== null && options.network === undefined && namespaces.network() !== before) restart();
        if (isReady(one)) resolve();
      },
    });
    return { known, ended: keepFollowing(one).finally(resolve) };
  }

  const { known, ended } = followNamespaces();
  await known;
  const network = options.network ?? namespaces.network();
  objects.begin(
    createKubernetesView(
      { domainSuffix: options.domainSuffix, cluster: options.clusterId, network },
      { now: clock.now, holdMs },
    ),
  );
  const lists = shardLists(options).map((list) =>
    begin({
      ...list,
      received(changes) {
        for (const change of changes) objects.apply(list, change);
      },
    }),
  );
  const extra = (options.extraLists?.() ?? []).map(begin);
  await Promise.all([ended, ...[...lists, ...extra].map(keepFollowing)]);
  cancelNext();
  await credentials?.ended();
  objects.clear();
}

interface Judgement {
  readonly sink: Pick<ShardSink, 'degraded' | 'recovered'>;
  readonly report: (origin: string, message: string | null) => void;
  readonly isDegraded: boolean;
}

/** Reports the lists that cannot be read. Returns whether the shard is degraded now. */
function judge(followed: readonly Followed[], { sink, report, isDegraded }: Judgement): boolean {
  for (const { kind, path, reflector } of followed) {
    const trouble = reflector.trouble();
    // A kind whose definition is not there is no problem: it may never come.
    report(path, trouble?.type === 'denied' ? `${kind.plural} cannot be read: ${trouble.message}` : null);
  }
  const worst = followed.find(({ kind, reflector }) => {
    const type = reflector.trouble()?.type;
    return type === 'unreachable' || (kind.isEssential && type !== undefined);
  });
  if (worst !== undefined) sink.degraded(`${worst.path}: ${worst.reflector.trouble()?.message}`);
  else if (isDegraded) sink.recovered();
  return worst !== undefined;
}

/** Reports whether a list is no reason to wait: it was read, or is not needed and will not be had. */
const isReady = ({ kind, reflector }: Followed): boolean =>
  reflector.isSettled() || (!kind.isEssential && reflector.trouble()?.type === 'denied');

const contentsOf = (changes: readonly ShardChange[]): ShardContents => ({
  services: changes.flatMap((change) => (change.type === 'service' ? [change.service] : [])),
  endpoints: changes.flatMap((change) => (change.type === 'endpoints' ? [change.set] : [])),
  workloads: changes.flatMap((change) => (change.type === 'workload' ? [change.workload] : [])),
  objects: changes.flatMap((change) => (change.type === 'object' ? [change.object] : [])),
});
