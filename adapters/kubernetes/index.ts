import { z } from 'zod';
import { type Adapter, type AdapterContext, defineAdapter } from '../../src/adapter-contract/adapter.ts';
import { createKubernetesClient } from '../../src/kubernetes/client.ts';
import { createCredentials } from '../../src/kubernetes/credentials.ts';
import { findAccess } from '../../src/kubernetes/find-access.ts';
import type { ClusterAccess } from '../../src/kubernetes/kubeconfig.ts';
import { relistReasons } from '../../src/kubernetes/reflector.ts';
import { followCluster } from './cluster.ts';
import { configMaps, serviceKinds, watchedRuleKinds } from './kinds.ts';

const config = z.strictObject({
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .describe('path of a kubeconfig; without it, the service account of the Pod, otherwise `KUBECONFIG`'),
  context: z.string().min(1).optional().describe('context of the kubeconfig; by default the current one'),
  clusterId: z.string().min(1).default('Kubernetes').describe('cluster ID of its endpoints'),
  network: z.string().default('').describe('network of Pods without the label `topology.istio.io/network`'),
  namespaces: z.array(z.string().min(1)).min(1).optional().describe('namespaces to read; by default all'),
  rootNamespace: z
    .string()
    .min(1)
    .default('istio-system')
    .describe('namespace of the ConfigMap `istio`, whose `data.mesh` is the mesh configuration'),
  rules: z
    .boolean()
    .default(true)
    .describe("whether to read rules (Istio's kinds); not by default if `store` is this kubeconfig and context"),
  reconcileSeconds: z
    .number()
    .positive()
    .default(300)
    .meta({ form: 'seconds' })
    .describe("interval at which the server's list is compared with the received objects"),
});

export type KubernetesConfig = z.infer<typeof config>;

/** Services, endpoints, Pods and Istio's rules of one cluster. */
export const kubernetes = defineAdapter<KubernetesConfig>({
  kind: 'kubernetes',
  config,
  create: (settings, context) => createKubernetesAdapter(settings, context),
});

function createKubernetesAdapter(settings: KubernetesConfig, context: AdapterContext): Adapter {
  const { clock } = context;
  const counters = context.observer.watches(
    [...serviceKinds, ...watchedRuleKinds, configMaps].map(({ kind }) => kind),
    relistReasons,
  );
  return {
    async run(sink, signal) {
      const client = createKubernetesClient(
        createCredentials(() => accessOf(settings), clock),
        { clock },
      );
      try {
        await followCluster(
          { ...settings, client, clock, log: context.log, domainSuffix: context.domainSuffix, sink, counters },
          signal,
        );
      } finally {
        client.close();
      }
    },
  };
}

async function accessOf(settings: KubernetesConfig): Promise<ClusterAccess> {
  const access = await findAccess(settings);
  if (access === null) throw new Error('this process is in no cluster: set the key kubeconfig, or KUBECONFIG');
  return access;
}
