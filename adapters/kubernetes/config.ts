import { z } from 'zod';
import { discoverySelector } from './discovery-selectors.ts';

/** Name of a cluster. It is part of the names of files, keys of Secrets and shards. */
const clusterName = /^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$/;

export const isClusterName = (name: string): boolean => name.length <= 253 && clusterName.test(name);

const clusterId = z.string().refine(isClusterName, 'must be letters, digits, `-`, `_` and `.`');

const remoteCluster = z.strictObject({
  clusterId: clusterId.describe(
    'name of a further cluster, unique; its Services, EndpointSlices, Pods and Nodes are read',
  ),
  kubeconfig: z.string().min(1).describe('path of its kubeconfig'),
  context: z.string().min(1).optional().describe('context of that file; by default the current one'),
  network: z.string().optional().describe('as `network` above, for this cluster'),
});

export const kubernetesConfig = z.strictObject({
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .describe('path of a kubeconfig; without it, the service account of the Pod, otherwise `KUBECONFIG`'),
  context: z.string().min(1).optional().describe('context of the kubeconfig; by default the current one'),
  clusterId: z.string().min(1).default('Kubernetes').describe('cluster ID of its endpoints'),
  network: z
    .string()
    .optional()
    .describe(
      'network of Pods without the label `topology.istio.io/network`; without it, that label of the namespace `rootNamespace`',
    ),
  namespaces: z.array(z.string().min(1)).min(1).optional().describe('namespaces to read; by default all'),
  discoverySelectors: z
    .array(discoverySelector)
    .default([])
    .describe('selectors of namespaces by their labels, one of which must match; without any all are read'),
  rootNamespace: z
    .string()
    .min(1)
    .default('istio-system')
    .describe('namespace of the ConfigMap `istio`, whose `data.mesh` is the mesh configuration'),
  rules: z
    .boolean()
    .default(true)
    .describe("whether to read rules (Istio's kinds); not by default if `store` is this kubeconfig and context"),
  clusters: z
    .array(remoteCluster)
    .refine((clusters) => new Set(clusters.map((one) => one.clusterId)).size === clusters.length, {
      message: 'must have different clusterIds',
    })
    .default([])
    .describe('further clusters, whose Services, EndpointSlices, Pods and Nodes are read'),
  kubeconfigDirectory: z
    .string()
    .min(1)
    .optional()
    .describe('directory of kubeconfigs, one for each further cluster and named like it; watched'),
  remoteSecretsNamespace: z
    .string()
    .min(1)
    .optional()
    .describe(
      'namespace of Secrets with the label `istio/multiCluster=true`, which hold kubeconfigs of further clusters',
    ),
  checkCredentials: z
    .boolean()
    .default(false)
    .describe('read the Secrets and ConfigMaps that rules refer to, and report those that are missing or incomplete'),
  reconcileSeconds: z
    .number()
    .positive()
    .default(300)
    .meta({ form: 'seconds' })
    .describe("interval at which the server's list is compared with the received objects"),
});

export type KubernetesConfig = z.infer<typeof kubernetesConfig>;
