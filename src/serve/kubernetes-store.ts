import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { createKubernetesClient, type KubernetesClient } from '../kubernetes/client.ts';
import { createCredentials } from '../kubernetes/credentials.ts';
import { competeForLease } from '../kubernetes/lease.ts';
import { type Clock, steadyClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { servedKinds } from '../rules/kinds/index.ts';
import type { RuleStatuses } from '../rules/status.ts';
import { type KubernetesStore, openKubernetesStore } from '../store/kubernetes/kubernetes.ts';
import { writeStatuses } from '../store/kubernetes/status-writer.ts';
import { requiredAccess } from './cluster-access.ts';
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
  const access = () => requiredAccess(config, { key: 'store', does: 'keeps the rules' });
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

export interface StatusReportingOptions {
  readonly cluster: ClusterStore;
  readonly config: KubernetesStoreConfig;
  readonly statuses: RuleStatuses;
  readonly log: Logger;
}

/** Writes statuses to the cluster while this replica leads, until `signal` aborts. */
export async function reportStatuses(
  { cluster: { store, client }, config, statuses, log }: StatusReportingOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!config.status) return;
  const identity = `${hostname()}_${randomUUID().slice(0, 8)}`;
  const namespace = config.leaseNamespace ?? (await ownNamespace());
  const writing = { client, kinds: servedKinds, store, statuses, clock: steadyClock, log, identity };
  await competeForLease(
    {
      client,
      clock: steadyClock,
      namespace,
      name: leaseName,
      identity,
      lead: (leading) => writeStatuses(writing, leading),
      report(event) {
        const facts = { lease: `${namespace}/${leaseName}`, identity };
        if (event.type === 'failed') log.warn({ ...facts, reason: event.message }, 'lease not renewed or taken');
        else log.info(facts, `leadership ${event.type}`);
      },
    },
    signal,
  );
}

const leaseName = 'binnacle-status';

/** Returns the namespace of the Pod; `default` outside a cluster. */
const ownNamespace = async (): Promise<string> =>
  (await readFile(accountNamespace, 'utf8').catch(() => '')).trim() || 'default';

const accountNamespace = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
