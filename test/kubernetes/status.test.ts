import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { jsonRequest } from '../support/json-request.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '../support/kubernetes/objects.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

interface RuleObject extends KubernetesObject {
  readonly status?: {
    readonly observedGeneration: number;
    readonly reportedBy: string;
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

describeWith(['kubernetes', 'istioCrds'], 'the status of rules in a cluster with two replicas', () => {
  let cluster: ClusterClient;
  let namespace: string;
  let replicas: ControlPlane[];

  beforeAll(async () => {
    cluster = await sharedCluster();
    await cluster.applyIstioCrds();
    namespace = await cluster.namespace();
    replicas = await Promise.all([startReplica(), startReplica()]);
  });
  afterAll(async () => {
    for (const replica of replicas ?? []) await replica.stop();
    cluster?.close();
  });

  const startReplica = () => {
    const kubeconfig = cluster.access.kubeconfigPath;
    const store = { type: 'kubernetes', kubeconfig, leaseNamespace: namespace };
    return startControlPlane({ config: { store, adapters: [] } });
  };
  const serviceEntry = (name: string) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name, namespace },
    spec: { hosts: [`${name}.test`], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution: 'DNS' },
  });
  const virtualService = (name: string, timeout = '2s') => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace },
    spec: { hosts: [`${name}.test`], http: [{ timeout, route: [{ destination: { host: `${name}.test` } }] }] },
  });
  const read = async (object: KubernetesObject) => (await cluster.get(object)) as RuleObject | null; // of Istio's kinds
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'binnacle-status' } };
  const holder = async () => {
    const named = { ...lease, metadata: { ...lease.metadata, namespace } };
    const spec = (await cluster.get(named))?.spec as { holderIdentity?: string } | undefined; // of a Lease
    return spec?.holderIdentity;
  };
  const reported = (object: KubernetesObject, generation: number) =>
    eventually(
      async () => {
        const now = await read(object);
        return now?.status?.observedGeneration === generation ? now : null;
      },
      { what: `the status of generation ${generation}`, timeoutMs: 100_000 },
    );
  const reasonOf = ({ status }: RuleObject) => status?.conditions.find(({ type }) => type === 'Programmed')?.reason;

  it('is written by the leader: conditions with the generation, beside those of others', async () => {
    await cluster.apply(serviceEntry('shop'), virtualService('shop'));
    const written = await reported(virtualService('shop'), 1);
    expect(written.status?.reportedBy).toBe(await holder());
    expect(written.status?.conditions).toMatchObject([
      { type: 'Accepted', status: 'True', observedGeneration: 1 },
      { type: 'Programmed', status: 'True', reason: 'NoProxies', observedGeneration: 1 },
    ]);
    const foreign = { type: 'Reconciled', status: 'True', reason: 'Flux', message: '' };
    await cluster.patchStatus(virtualService('shop'), {
      conditions: [foreign, ...(written.status?.conditions ?? [])],
    });
    await cluster.apply(virtualService('shop', '3s'));
    const changed = await reported(virtualService('shop'), 2);
    expect(changed.status?.conditions.map(({ type }) => type)).toEqual(['Reconciled', 'Accepted', 'Programmed']);
  });

  it('says what the rules API says of a rule without effect', async () => {
    await cluster.apply(virtualService('nowhere'));
    expect(reasonOf(await reported(virtualService('nowhere'), 1))).toBe('HostNotFound');
  });

  it('compiles nothing when only status, labels or annotations change', async () => {
    const [one] = replicas;
    if (one === undefined) throw new Error('there is no replica');
    const name = virtualService('shop');
    const compiled = () => one.metric('binnacle_flush_work_total{part="hosts_compiled"}');
    const before = await compiled();
    await cluster.patchStatus(name, { note: 'changed by somebody else' });
    const patched = await cluster.patch(name, { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } });
    const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/shop`;
    await eventually(
      async () =>
        (await jsonRequest(one.httpPort, path)).body.metadata.resourceVersion === patched.metadata.resourceVersion,
      { what: 'the replica has the change' },
    );
    expect(await compiled()).toBe(before);
    // The counter counts: a change of the spec shows in it.
    await cluster.apply(serviceEntry('other'));
    await eventually(async () => (await read(serviceEntry('other')))?.status !== undefined, { what: 'it is compiled' });
  });

  it('is written by the other replica when the leader is killed', async () => {
    const leader = await holder();
    const logs = replicas.map(
      ({ child }) =>
        child.stderr().includes(`"identity":"${leader}"`) && child.stderr().includes('leadership acquired'),
    );
    expect(logs.filter(Boolean)).toHaveLength(1);
    const [killed] = replicas.splice(logs.indexOf(true), 1);
    await killed?.kill();
    await cluster.apply(virtualService('shop', '4s'));
    const generation = Number((await cluster.get(virtualService('shop')))?.metadata.generation);
    const written = await reported(virtualService('shop'), generation);
    expect(written.status?.reportedBy).not.toBe(leader);
    expect(written.status?.reportedBy).toBe(await holder());
  });

  it('releases the lease at the end, so that the next replica need not wait', async () => {
    for (const replica of replicas.splice(0)) await replica.stop();
    expect(await holder()).toBe('');
  });
});
