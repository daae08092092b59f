import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type Adapter, type AdapterContext, defineAdapter } from '../../src/adapter-contract/adapter.ts';
import { createClient } from '../../src/kubernetes/client.ts';
import { createCredentials } from '../../src/kubernetes/credentials.ts';
import { type ClusterAccess, inClusterAccess, parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { followCluster } from './cluster.ts';

const config = z.strictObject({
  /** Path of a kubeconfig. Default: the service account of the Pod, then `KUBECONFIG`. */
  kubeconfig: z.string().min(1).optional(),
  /** Context of the kubeconfig; its current one by default. */
  context: z.string().min(1).optional(),
  /** Name of the cluster, which endpoints carry. */
  clusterId: z.string().min(1).default('Kubernetes'),
  /** Network of Pods that have no label `topology.istio.io/network`. */
  network: z.string().default(''),
  /** Namespaces to read; all by default. */
  namespaces: z.array(z.string().min(1)).min(1).optional(),
  /** Namespace of the ConfigMap `istio`. */
  rootNamespace: z.string().min(1).default('istio-system'),
  /** Interval of comparisons of the server's list with what was received. */
  reconcileSeconds: z.number().positive().default(300),
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
  return {
    async run(sink, signal) {
      const client = createClient(
        createCredentials(() => accessOf(settings), clock),
        { clock },
      );
      try {
        await followCluster(
          { ...settings, client, clock, log: context.log, domainSuffix: context.domainSuffix, sink },
          signal,
        );
      } finally {
        client.close();
      }
    },
  };
}

/** Reads the access again each time, so that a replaced kubeconfig is used. */
async function accessOf({ kubeconfig, context }: KubernetesConfig): Promise<ClusterAccess> {
  const own = kubeconfig === undefined ? inClusterAccess(process.env) : null;
  if (own !== null) return own;
  const path = kubeconfig ?? process.env.KUBECONFIG;
  if (!path) throw new Error('there is no kubeconfig: set the key kubeconfig, or KUBECONFIG');
  const parsed = parseKubeconfig(await readFile(path, 'utf8'), { context, directory: dirname(resolve(path)) });
  if (!parsed.ok) throw new Error(`${path} ${parsed.error}`);
  return parsed.value;
}
