import { createKubernetesClient, type KubernetesClient } from '../kubernetes/client.ts';
import { createCredentials } from '../kubernetes/credentials.ts';
import { findAccess } from '../kubernetes/find-access.ts';
import type { ClusterAccess } from '../kubernetes/kubeconfig.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { servedKinds } from '../rules/kinds/index.ts';
import { type KubernetesStore, openKubernetesStore } from '../store/kubernetes/kubernetes.ts';
import type { KubernetesStoreConfig } from './config.ts';

export interface ClusterStoreOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly dataDir: string;
}

/** Store in a cluster, and the client that it and what writes for it share. */
export interface ClusterStore {
  readonly store: KubernetesStore;
  readonly client: KubernetesClient;
}

/** Opens the store. Does not wait for the API server. Rejects with CONFIG_INVALID for an unusable kubeconfig. */
export async function openClusterStore(
  config: KubernetesStoreConfig,
  { clock, log, dataDir }: ClusterStoreOptions,
): Promise<ClusterStore> {
  const access = () => clusterAccess(config);
  await access();
  const client = createKubernetesClient(createCredentials(access, clock), { clock });
  const { syncTimeoutSeconds, reconcileSeconds } = config;
  const store = openKubernetesStore({
    client,
    kinds: servedKinds,
    clock,
    log,
    dataDir,
    syncTimeoutMs: syncTimeoutSeconds * 1_000,
    compareMs: reconcileSeconds * 1_000,
  });
  return { store, client };
}

async function clusterAccess({ kubeconfig, context }: KubernetesStoreConfig): Promise<ClusterAccess> {
  const access = await findAccess({ kubeconfig, context }).catch((cause: unknown) => {
    throw wrong(`store.kubeconfig: ${cause instanceof Error ? cause.message : cause}`);
  });
  if (access !== null) return access;
  throw wrong('store: this process is in no cluster: name the cluster that keeps the rules by store.kubeconfig');
}

const wrong = (message: string): MeshError => new MeshError('CONFIG_INVALID', message);
