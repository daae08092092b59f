import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import { applyDeployment } from '../support/kubernetes/deployment.ts';
import { type Reader, startReader } from '../support/kubernetes/reader.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

describeWith(['kubernetes', 'istioCrds'], 'discoverySelectors', () => {
  let cluster: ClusterClient;
  let dir = '';
  /** Value of the label `mesh` that the test's namespaces have. */
  let mesh = '';
  let reader: Reader;

  beforeAll(async () => {
    cluster = await sharedCluster();
    await cluster.applyIstioCrds();
  });
  afterAll(() => cluster?.close());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'binnacle-namespaces-'));
    mesh = await cluster.namespace('mesh');
  });
  afterEach(async () => {
    await reader?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const start = async (discoverySelectors: readonly object[]) => {
    reader = await startReader({ settings: { kubeconfig: cluster.kubeconfig(), discoverySelectors }, dir });
    await reader.until(() => reader.states(), { kubernetes: 'synced' });
  };
  const label = (namespace: string, labels: Readonly<Record<string, string | null>>) =>
    cluster.patch({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { metadata: { labels } });
  /** Writes a Service with a Pod, and a rule. */
  const fill = async (namespace: string, ip: string) => {
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
    await applyDeployment(cluster, { namespace, name: 'reviews', ports, pods: [ip] });
    await cluster.apply({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { namespace, name: 'reviews' },
      spec: { hosts: ['reviews'] },
    });
  };
  /** Returns all services, Pods and rules that the adapter has. */
  const everything = () => {
    reader.registry.takeChanges();
    const services = [...reader.registry.services()].map(({ name, namespace }) => {
      const [endpoint = 'nobody'] = reader.endpoints(`${name}.${namespace}`);
      return `${namespace}/${name} ${endpoint.split(' ')[0]}`;
    });
    const [shard] = reader.registry.shards();
    return [...services.sort(), ...reader.objects(), `${shard?.workloads} Pods`];
  };
  const contentsOf = (namespace: string, ip: string) => [
    `${namespace}/reviews ${ip}`,
    `VirtualService ${namespace}/reviews`,
    '1 Pods',
  ];
  const nothing = ['0 Pods'];

  it('read the namespaces that one of them matches, and nothing of others', async () => {
    const [shop, bank, other] = [await cluster.namespace(), await cluster.namespace(), await cluster.namespace()];
    await label(shop, { mesh });
    await label(bank, { [mesh]: '' });
    await Promise.all([fill(shop, '10.3.0.1'), fill(bank, '10.3.0.2'), fill(other, '10.3.0.3')]);
    await start([{ matchLabels: { mesh } }, { matchExpressions: [{ key: mesh, operator: 'Exists' }] }]);
    expect(everything().sort()).toEqual(
      [
        `${shop}/reviews 10.3.0.1`,
        `${bank}/reviews 10.3.0.2`,
        ...[shop, bank].map((namespace) => `VirtualService ${namespace}/reviews`),
        '2 Pods',
      ].sort(),
    );
  });

  it('bring the services and rules of a namespace that gains the label, and take those of one that loses it', async () => {
    const shop = await cluster.namespace();
    await fill(shop, '10.3.1.1');
    await start([{ matchLabels: { mesh } }]);
    expect(everything()).toEqual(nothing);
    for (let round = 1; round <= 2; round++) {
      await label(shop, { mesh });
      await reader.until(everything, contentsOf(shop, `10.3.1.${round}`));
      await label(shop, { mesh: null });
      await reader.until(everything, nothing);
      await fill(shop, `10.3.1.${round + 1}`); // changes that nobody reads
    }
  });

  it('follow a namespace that is made later, and what comes into it', async () => {
    await start([{ matchLabels: { mesh } }]);
    const shop = await cluster.namespace();
    await label(shop, { mesh });
    await fill(shop, '10.3.2.1');
    await reader.until(everything, contentsOf(shop, '10.3.2.1'));
    await fill(shop, '10.3.2.2');
    await reader.until(everything, contentsOf(shop, '10.3.2.2'));
  });

  it('lose nothing of other namespaces while one is selected', async () => {
    const [shop, bank] = [await cluster.namespace(), await cluster.namespace()];
    await label(shop, { mesh });
    await Promise.all([fill(shop, '10.3.3.1'), fill(bank, '10.3.3.2')]);
    await start([{ matchLabels: { mesh } }]);
    const gaps = reader.gaps(`reviews.${shop}`, '10.3.3.1');
    await label(bank, { mesh });
    await reader.until(() => reader.endpoints(`reviews.${bank}`).length, 1);
    await reader.until(() => reader.objects().length, 2);
    expect(gaps()).toEqual([]);
  });

  it('are of no use without the right to read namespaces, which is told and waited for', async () => {
    const shop = await cluster.namespace();
    await label(shop, { mesh });
    await fill(shop, '10.3.4.1');
    const to = { serviceAccount: 'reader', namespace: shop };
    const token = await cluster.serviceAccountToken(shop, 'reader');
    const rule = (apiGroup: string, resources: readonly string[]) => ({
      apiGroups: [apiGroup],
      resources,
      verbs: ['list', 'watch'],
    });
    const rules = [
      rule('', ['services', 'pods', 'nodes', 'configmaps']),
      rule('discovery.k8s.io', ['endpointslices']),
      rule('networking.istio.io', ['*']),
    ];
    await cluster.grant({ name: `${shop}-most`, to, rules });
    const kubeconfig = cluster.kubeconfig({ token });
    reader = await startReader({ settings: { kubeconfig, discoverySelectors: [{ matchLabels: { mesh } }] }, dir });
    await reader.until(() => reader.states(), { kubernetes: 'degraded' });
    expect(reader.problems()['/api/v1/namespaces']).toContain('namespaces cannot be read');
    await cluster.grant({ name: `${shop}-namespaces`, to, rules: [rule('', ['namespaces'])] });
    await reader.until(everything, contentsOf(shop, '10.3.4.1'));
  });
});
