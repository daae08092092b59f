import { createKubernetesClient } from '../../src/kubernetes/client.ts';
import { createCredentials } from '../../src/kubernetes/credentials.ts';
import type { ClusterAccess } from '../../src/kubernetes/kubeconfig.ts';
import { type ClusterOptions, followCluster } from './cluster.ts';

/** Cluster as it is configured at the moment. */
export interface ClusterEntry {
  readonly clusterId: string;
  /** Without it: that of the root namespace's label. */
  readonly network?: string | undefined;
  /** Finds the address and the credentials. Called anew at intervals; rejects with a reason for people. */
  readonly access: () => Promise<ClusterAccess>;
}

export interface RunningCluster {
  /** Takes a changed entry. New credentials are used for the next requests; a new server or network begins anew. */
  update(entry: ClusterEntry): void;
  /** Resolves when everything is closed, after the signal aborted. */
  readonly ended: Promise<void>;
}

/**
 * Follows a cluster until `signal` aborts. It keeps its shard, which a listing replaces, also when it begins anew because
 * the kubeconfig names another server: versions of one server say nothing about another.
 */
export function runCluster(
  entry: ClusterEntry,
  options: Omit<ClusterOptions, 'client' | 'clusterId' | 'network'>,
  signal: AbortSignal,
): RunningCluster {
  let current = entry;
  let server: string | null = null;
  let restart = new AbortController();

  async function access(): Promise<ClusterAccess> {
    const found = await current.access();
    if (server !== null && server !== found.server) restart.abort();
    server ??= found.server;
    return found;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      restart = new AbortController();
      server = null;
      const client = createKubernetesClient(createCredentials(access, options.clock), { clock: options.clock });
      try {
        const { clusterId, network } = current;
        const until = AbortSignal.any([signal, restart.signal]);
        await followCluster({ ...options, clusterId, network, client }, until);
      } finally {
        client.close();
      }
    }
  }

  return {
    update(next) {
      const isMoved = next.network !== current.network;
      current = next;
      if (isMoved) restart.abort();
      // Failures are those of the next request, which reports them.
      else access().catch(() => {});
    },
    ended: run(),
  };
}
