import { type Adapter, type AdapterContext, defineAdapter } from '../../src/adapter-contract/adapter.ts';
import { findAccess } from '../../src/kubernetes/find-access.ts';
import type { ClusterAccess } from '../../src/kubernetes/kubeconfig.ts';
import { relistReasons } from '../../src/kubernetes/reflector.ts';
import { createClusterSet, type DefinedCluster } from './cluster-set.ts';
import { type KubernetesConfig, kubernetesConfig } from './config.ts';
import { createEntryProblems } from './entry-problems.ts';
import { configMaps, namespaces, secrets, serviceKinds, watchedRuleKinds } from './kinds.ts';
import { followDirectory } from './kubeconfig-directory.ts';
import { rememberedClusters } from './remembered-clusters.ts';
import { remoteSecretList } from './remote-secrets.ts';
import { runCluster } from './running-cluster.ts';

/** Services, endpoints, Pods and Istio's rules of one cluster, and services of further ones. */
export const kubernetes = defineAdapter<KubernetesConfig>({
  kind: 'kubernetes',
  config: kubernetesConfig,
  create: (settings, context) => createKubernetesAdapter(settings, context),
});

function createKubernetesAdapter(settings: KubernetesConfig, context: AdapterContext): Adapter {
  const { clock, log } = context;
  const { clusterId, network, kubeconfigDirectory: directory, remoteSecretsNamespace: namespace } = settings;
  const kinds = [...serviceKinds, ...watchedRuleKinds, configMaps, namespaces, secrets].map(({ kind }) => kind);
  const counters = context.observer.watches(kinds, relistReasons);
  const remembered = rememberedClusters(context.dataDir, log);
  return {
    async run(sink, signal) {
      const problems = createEntryProblems(sink, log);
      const shared = { ...context, ...settings, problems, counters };
      const clusters = createClusterSet({ ...shared, homeClusterId: clusterId }, signal);
      clusters.define('configuration', settings.clusters.map(configuredCluster));
      const files =
        directory === undefined
          ? null
          : followDirectory(
              { directory, clock, problems, changed: (found) => clusters.define('directory', found) },
              signal,
            );
      await files?.first;
      if (namespace !== undefined) {
        clusters.define('remembered', (await remembered.load()).map(rememberedCluster));
      }
      const secretLists = () =>
        namespace === undefined
          ? []
          : [
              remoteSecretList({
                namespace,
                problems,
                changed(found) {
                  clusters.define('secrets', found);
                  clusters.define('remembered', []);
                  remembered.save(found.map((one) => one.clusterId));
                },
              }),
            ];
      const home = runCluster(
        { clusterId, network, access: () => accessOf(settings) },
        { ...shared, sink, meshConfig: true, extraLists: secretLists, listed: clusters.started },
        signal,
      );
      await Promise.all([home.ended, files?.ended]);
      await clusters.ended();
      await remembered.written();
    },
  };
}

const configuredCluster = (one: KubernetesConfig['clusters'][number]): DefinedCluster => ({
  clusterId: one.clusterId,
  origin: `the configuration (${one.kubeconfig})`,
  entry: { clusterId: one.clusterId, network: one.network, access: () => accessOf(one) },
});

const rememberedCluster = (clusterId: string): DefinedCluster => ({
  clusterId,
  origin: 'its Secret',
  entry: null,
});

async function accessOf(place: Pick<KubernetesConfig, 'kubeconfig' | 'context'>): Promise<ClusterAccess> {
  const access = await findAccess(place);
  if (access === null) throw new Error('this process is in no cluster: set the key kubeconfig, or KUBECONFIG');
  return access;
}
