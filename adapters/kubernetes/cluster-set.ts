import type { AdapterContext, PartShard } from '../../src/adapter-contract/adapter.ts';
import type { ClusterOptions } from './cluster.ts';
import { createEntryProblems, type EntryProblems } from './entry-problems.ts';
import { type ClusterEntry, type RunningCluster, runCluster } from './running-cluster.ts';

/** Sources of clusters. Of two with one name, the earlier applies. `remembered`: those of an earlier run of the program. */
export const clusterSources = ['configuration', 'directory', 'secrets', 'remembered'] as const;
export type ClusterSource = (typeof clusterSources)[number];

/** Cluster with the place that defines it. */
export interface DefinedCluster {
  readonly clusterId: string;
  /** File or Secret, for people. */
  readonly origin: string;
  /** Null: it is not known how to reach the cluster, so that its snapshot is served. */
  readonly entry: ClusterEntry | null;
}

/** Further clusters of an adapter. Each has a shard of its own. */
export interface ClusterSet {
  /** Replaces what a source defines. Clusters that no source defines any more leave with everything in their shards. */
  define(source: ClusterSource, clusters: readonly DefinedCluster[]): void;
  /** Ends the waiting of readiness for clusters that come later. */
  started(): void;
  /** Resolves when all are closed, after the signal aborted. */
  ended(): Promise<void>;
}

export interface ClusterSetOptions
  extends Omit<
    ClusterOptions,
    'client' | 'clusterId' | 'network' | 'sink' | 'problems' | 'rules' | 'meshConfig' | 'extraLists' | 'listed'
  > {
  readonly openShard: AdapterContext['openShard'];
  /** Problems of definitions, in the adapter's own shard. */
  readonly problems: EntryProblems;
  /** Cluster of the adapter itself, whose name is taken. */
  readonly homeClusterId: string;
}

interface ClusterMember {
  readonly shard: PartShard;
  readonly problems: EntryProblems;
  defined: DefinedCluster;
  running: RunningCluster | null;
  readonly leaves: AbortController;
}

export function createClusterSet(options: ClusterSetOptions, signal: AbortSignal): ClusterSet {
  const { homeClusterId, openShard, problems, log } = options;
  const definitions = new Map<ClusterSource, readonly DefinedCluster[]>();
  const members = new Map<string, ClusterMember>();
  /** Names whose shards are being removed. */
  const leaving = new Map<string, Promise<void>>();
  let refused: ReadonlySet<string> = new Set();
  let isStarting = true;

  /** Returns the clusters that apply, and reports those whose names are taken. */
  function effective(): ReadonlyMap<string, DefinedCluster> {
    const applying = new Map<string, DefinedCluster>();
    const taken = new Map<string, string>();
    for (const source of clusterSources) {
      for (const defined of definitions.get(source) ?? []) {
        const { clusterId: id, origin } = defined;
        const first = id === homeClusterId ? "the adapter's own" : applying.get(id)?.origin;
        if (first === undefined) applying.set(id, defined);
        else if (source !== 'remembered') taken.set(`cluster ${id} of ${origin}`, `its name is that of ${first}`);
      }
    }
    for (const origin of refused) if (!taken.has(origin)) problems.report(origin, null);
    for (const [origin, message] of taken) problems.report(origin, message);
    refused = new Set(taken.keys());
    return applying;
  }

  function reconcile(): void {
    if (signal.aborted) return;
    const wanted = effective();
    for (const [id, member] of members) if (!wanted.has(id)) leave(id, member);
    for (const [id, defined] of wanted) {
      const member = members.get(id) ?? join(id, defined);
      if (member !== null) run(member, defined);
    }
  }

  /** Opens a shard; null while the earlier one of that name is still being removed. */
  function join(id: string, defined: DefinedCluster): ClusterMember | null {
    if (leaving.has(id)) return null;
    const shard = openShard(id, { isAwaited: isStarting });
    const entryProblems = createEntryProblems(shard.sink, log.child({ cluster: id }));
    const member: ClusterMember = {
      shard,
      problems: entryProblems,
      defined,
      running: null,
      leaves: new AbortController(),
    };
    members.set(id, member);
    log.info({ cluster: id, origin: defined.origin }, 'cluster joined');
    return member;
  }

  function run(member: ClusterMember, defined: DefinedCluster): void {
    const { entry } = defined;
    const isChanged = entry !== member.defined.entry;
    member.defined = defined;
    if (entry === null) {
      if (member.running === null) member.shard.sink.degraded(`${defined.origin} has not been read yet`);
    } else if (member.running === null) {
      member.running = runCluster(
        entry,
        {
          ...options,
          log: log.child({ cluster: entry.clusterId }),
          sink: member.shard.sink,
          problems: member.problems,
          rules: false,
          meshConfig: false,
        },
        AbortSignal.any([signal, member.leaves.signal]),
      );
    } else if (isChanged) member.running.update(entry);
  }

  function leave(id: string, { leaves, running, shard, defined }: ClusterMember): void {
    members.delete(id);
    leaves.abort();
    log.info({ cluster: id, origin: defined.origin }, 'cluster left');
    const removal = (async () => {
      await running?.ended;
      await shard.remove();
      leaving.delete(id);
      reconcile();
    })();
    leaving.set(id, removal);
  }

  return {
    define(source, clusters) {
      definitions.set(source, clusters);
      reconcile();
    },
    started() {
      isStarting = false;
    },
    async ended() {
      await Promise.all([...[...members.values()].map(({ running }) => running?.ended), ...leaving.values()]);
    },
  };
}
