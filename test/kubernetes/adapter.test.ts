import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubernetes } from '../../adapters/kubernetes/index.ts';
import { watchedRuleKinds } from '../../adapters/kubernetes/kinds.ts';
import { ruleKinds } from '../../src/rules/kinds/index.ts';
import { adapterConformance } from '../support/adapter-conformance.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';

it("watches every kind of Istio's rules, by its name and in a version that the rules API serves", () => {
  const own = ruleKinds.filter(({ group }) => group.endsWith('.istio.io'));
  expect(watchedRuleKinds.map(({ kind }) => kind).sort()).toEqual(own.map(({ kind }) => kind).sort());
  for (const { apiVersion, kind, plural } of watchedRuleKinds) {
    expect(
      own.filter(({ group, versions }) => versions.some((one) => `${group}/${one}` === apiVersion)),
    ).toContainEqual(expect.objectContaining({ kind, plural }));
  }
});

describeWith(['kubernetes'], 'on a real API server', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  adapterConformance({
    name: 'kubernetes',
    async create(directory) {
      const kubeconfig = join(directory, 'kubeconfig');
      await writeFile(kubeconfig, cluster.kubeconfig(), { mode: 0o600 });
      const namespace = await cluster.namespace();
      const settings = kubernetes.config.parse({ kubeconfig, namespaces: [namespace] });
      return {
        adapter: (context) => kubernetes.create(settings, context),
        async put(service, address) {
          await cluster.apply(serviceOf(namespace, service), sliceOf(namespace, service, address));
        },
        async remove(service) {
          await cluster.remove(sliceOf(namespace, service, '10.0.0.1'));
          await cluster.remove(serviceOf(namespace, service));
        },
        breakDown: () => cluster.apiServer.kill(),
        repair: () => cluster.apiServer.start(),
      };
    },
  });
});

const serviceOf = (namespace: string, name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name },
  spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
});

const sliceOf = (namespace: string, name: string, address: string) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
});
