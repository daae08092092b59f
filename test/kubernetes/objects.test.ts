import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import { applyDeployment } from '../support/kubernetes/deployment.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

describeWith(['kubernetes', 'istioCrds'], 'the cluster that tests share', () => {
  let cluster: ClusterClient;
  beforeAll(async () => {
    cluster = await sharedCluster();
  });
  afterAll(() => cluster?.close());

  it("serves objects of Istio's kinds once they are defined, and checks them", async () => {
    await cluster.applyIstioCrds();
    const metadata = { namespace: await cluster.namespace(), name: 'reviews' };
    const rule = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata };
    await cluster.apply({ ...rule, spec: { hosts: ['reviews'] } });
    expect(await cluster.get(rule)).toMatchObject({ spec: { hosts: ['reviews'] } });
    await expect(cluster.apply({ ...rule, spec: { hosts: 'reviews' } })).rejects.toThrow('spec.hosts');
  });

  it('permits only what is granted', async () => {
    const list = async () => (await cluster.send('/api/v1/services', { token: cluster.access.viewerToken })).status;
    const grant = {
      name: 'services-of-viewer',
      to: { user: 'viewer' },
      rules: [{ apiGroups: [''], resources: ['services'], verbs: ['list'] }],
    };
    expect(await list()).toBe(403);
    await cluster.grant(grant);
    expect(await list()).toBe(200);
    await cluster.revoke(grant);
    expect(await list()).toBe(403);
  });

  it('knows the pod and the audience of a token', async () => {
    const namespace = await cluster.namespace();
    await applyDeployment(cluster, { namespace, name: 'shop', serviceAccount: 'shop', ports, pods: ['10.75.0.1'] });
    const token = await cluster.serviceAccountToken(namespace, 'shop', { audiences: ['mesh'], pod: 'shop-10-75-0-1' });
    const review = await cluster.ask('/apis/authentication.k8s.io/v1/tokenreviews', {
      method: 'POST',
      body: { spec: { token, audiences: ['mesh'] } },
    });
    expect(review).toMatchObject({
      status: {
        authenticated: true,
        audiences: ['mesh'],
        user: {
          username: `system:serviceaccount:${namespace}:shop`,
          extra: { 'authentication.kubernetes.io/pod-name': ['shop-10-75-0-1'] },
        },
      },
    });
  });
});

const ports = [{ name: 'http', port: 80, targetPort: 'web' }];

describeWith(['kubernetes'], 'a deployment as controllers leave it', () => {
  let cluster: ClusterClient;
  beforeAll(async () => {
    cluster = await sharedCluster();
  });
  afterAll(() => cluster?.close());

  const slices = async (namespace: string) => {
    const found = await cluster.list({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' }, namespace);
    return found.map(({ ports: served, endpoints }) => ({ ports: served, endpoints }));
  };

  it('has one slice for each list of ports, with the conditions of its pods', async () => {
    const namespace = await cluster.namespace();
    const pods = [
      { ip: '10.75.0.1', ports: { web: 8080 }, zone: 'a' },
      { ip: '10.75.0.2', ports: { web: 8080 }, ready: false },
      { ip: '10.75.0.3', ports: { web: 8080 }, terminating: true },
      { ip: '10.75.0.4', ports: { web: 9090 } },
    ];
    await applyDeployment(cluster, { namespace, name: 'shop', ports, pods });
    const endpoint = (ip: string, ready: boolean, serving: boolean, terminating: boolean) =>
      expect.objectContaining({ addresses: [ip], conditions: { ready, serving, terminating } });
    const wanted = [
      {
        ports: [expect.objectContaining({ name: 'http', port: 8080 })],
        endpoints: [
          endpoint('10.75.0.1', true, true, false),
          endpoint('10.75.0.2', false, false, false),
          endpoint('10.75.0.3', false, true, true),
        ],
      },
      {
        ports: [expect.objectContaining({ name: 'http', port: 9090 })],
        endpoints: [endpoint('10.75.0.4', true, true, false)],
      },
    ];
    const found = await slices(namespace);
    expect(found).toHaveLength(wanted.length);
    expect(found).toEqual(expect.arrayContaining(wanted));
  });

  it('changes to a new state: pods leave, and one with another address is a new one', async () => {
    const namespace = await cluster.namespace();
    const deployment = (...pods: { ip: string; name: string }[]) =>
      applyDeployment(cluster, { namespace, name: 'db', ports: [{ name: 'tcp', port: 5432 }], pods });
    const pods = async () =>
      (await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, namespace)).map(({ metadata, status }) => ({
        name: metadata.name,
        uid: metadata.uid,
        ip: (status as { podIP: string }).podIP, // a pod
      }));
    await deployment({ name: 'db-0', ip: '10.75.1.1' }, { name: 'db-1', ip: '10.75.1.2' });
    const [first] = await pods();
    await deployment({ name: 'db-0', ip: '10.75.1.2' });
    const after = await pods();
    expect(after).toEqual([{ name: 'db-0', uid: expect.not.stringMatching(String(first?.uid)), ip: '10.75.1.2' }]);
    expect((await slices(namespace)).flatMap(({ endpoints }) => endpoints)).toMatchObject([
      { addresses: ['10.75.1.2'], targetRef: { uid: after[0]?.uid } },
    ]);
  });
});
