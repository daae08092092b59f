import type { ShardChange, ShardContents, ShardSink, WatchCounters } from '../../src/adapter-contract/adapter.ts';
import type { KubernetesClient, Selection } from '../../src/kubernetes/client.ts';
import { follow } from '../../src/kubernetes/follow.ts';
import { type ClusterObjectChange, createReflector, type Reflector } from '../../src/kubernetes/reflector.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { configMaps, listPath, serviceKinds, type WatchedKind, watchedRuleKinds } from './kinds.ts';
import { readKubernetesObject, unknownCreationTime } from './translate-object.ts';
import { createKubernetesView, problemOf } from './translate-view.ts';

export interface ClusterOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sink: ShardSink;
  readonly domainSuffix: string;
  readonly clusterId: string;
  readonly network: string;
  readonly namespaces?: readonly string[] | undefined;
  readonly rootNamespace: string;
  /** Whether rules are read. The rules store reads those of its own cluster. */
  readonly rules: boolean;
  readonly reconcileSeconds: number;
  readonly counters: WatchCounters;
}

/** One list that is followed: a kind in one namespace or in all. */
interface Followed {
  readonly kind: WatchedKind;
  readonly path: string;
  readonly selection: Selection;
  readonly reflector: Reflector;
}

/** Interval of comparisons of versions: an etcd that was restored is noticed within a minute. */
const probeMs = 30_000;

/** Longest time that an endpoint may be in no slice of its Service while it moves from one to another. */
const holdMs = 2_000;

/** Brings one cluster into a shard until `signal` aborts. */
export async function followCluster(options: ClusterOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, sink, reconcileSeconds, counters } = options;
  const view = createKubernetesView(
    { domainSuffix: options.domainSuffix, cluster: options.clusterId, network: options.network },
    { now: clock.now, holdMs },
  );
  const followed = listsOf(options);
  const problems = new Map<string, string>();
  let isPublished = false;
  let isDegraded = false;
  let cancelNext = () => {};

  function apply({ kind }: Followed, change: ClusterObjectChange): void {
    const { name, namespace = 'default' } = change.type === 'put' ? change.object.metadata : change.metadata;
    const origin = `${kind.kind} ${namespace}/${name}`;
    if (change.type === 'removed') {
      const metadata = { name, namespace, labels: {}, annotations: {}, creationTimestamp: unknownCreationTime };
      view.remove({ ...kind, metadata });
      report(origin, null);
      return;
    }
    const { apiVersion } = kind;
    const read = readKubernetesObject({ ...change.object, apiVersion, kind: kind.kind }, origin);
    const put = read.ok ? view.put(read.value) : read;
    report(origin, problemOf(put));
    if (put.ok && put.value.effect === 'unchanged') counters.ignored(kind.kind);
  }

  function report(origin: string, message: string | null): void {
    if ((problems.get(origin) ?? null) === message) return;
    if (message === null) problems.delete(origin);
    else {
      problems.set(origin, message);
      log.warn({ origin, reason: message }, 'entry left out');
    }
    if (!isPublished) return;
    sink.resolved(origin);
    if (message !== null) sink.problem(origin, message);
  }

  function publish(): void {
    if (!isPublished && !followed.every(isReady)) return;
    const changes = view.takeChanges();
    if (!isPublished) {
      isPublished = true;
      sink.replace(contentsOf(changes));
      for (const [origin, message] of problems) sink.problem(origin, message);
    } else if (changes.length > 0) sink.apply(changes);
    const nextMs = view.nextMs();
    cancelNext();
    if (nextMs !== null) cancelNext = clock.after(Math.max(1, nextMs - clock.now()), publish);
  }

  function judge(): void {
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
    isDegraded = worst !== undefined;
  }

  await Promise.all(
    followed.map((one) =>
      follow(
        {
          client,
          clock,
          ...one,
          probeMs,
          compareMs: reconcileSeconds * 1_000,
          changed(changes) {
            for (const change of changes) apply(one, change);
            publish();
            judge();
          },
          relisted(reason) {
            counters.relisted(reason);
            log.info({ path: one.path, reason }, 'kind listed again');
          },
          differed(objects) {
            counters.differed(one.kind.kind, objects);
            log.warn({ path: one.path, objects }, "objects differed from the server's list");
          },
        },
        signal,
      ),
    ),
  );
  cancelNext();
}

function listsOf({ namespaces, rootNamespace, rules }: ClusterOptions): readonly Followed[] {
  const lists = [...serviceKinds, ...(rules ? watchedRuleKinds : [])].flatMap((kind) =>
    (kind.isNamespaced ? (namespaces ?? [null]) : [null]).map((namespace) => ({
      kind,
      path: listPath(kind, namespace),
      selection: {},
      reflector: createReflector(),
    })),
  );
  const mesh = {
    kind: configMaps,
    path: listPath(configMaps, rootNamespace),
    selection: { fieldSelector: 'metadata.name=istio' },
    reflector: createReflector(),
  };
  return [...lists, mesh];
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
