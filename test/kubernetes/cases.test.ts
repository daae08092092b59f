import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AdsStream, openAds, sidecarId } from '../support/ads-client.ts';
import { endpointAddresses } from '../support/ads-resources.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import { applyDeployment } from '../support/kubernetes/deployment.ts';
import type { KubernetesObject } from '../support/kubernetes/objects.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

const ports = [{ name: 'http', port: 80, targetPort: 8080 }];

/** Cases in which the order of a real API server's events counts. test/unit/adapters/kubernetes-cases has every order. */
describeWith(['kubernetes', 'istioCrds'], 'a control plane that follows a real cluster', () => {
  let cluster: ClusterClient;
  let controlPlane: ControlPlane;
  beforeAll(async () => {
    cluster = await sharedCluster();
    await cluster.applyIstioCrds();
    controlPlane = await startControlPlane({
      config: { adapters: [{ type: 'kubernetes', kubeconfig: cluster.access.kubeconfigPath }] },
    });
  });
  afterAll(async () => {
    await controlPlane?.stop();
    cluster?.close();
  });

  const connect = (namespace: string) =>
    openAds(controlPlane.xdsPort, { mode: 'delta', follow: true, nodeId: sidecarId(namespace) });
  const hostOf = (namespace: string, name: string) => `${name}.${namespace}.svc.cluster.local`;
  /** Waits until a client has exactly these endpoints of a cluster. */
  const has = (stream: AdsStream, name: string, want: readonly string[]) =>
    eventually(
      () => stream.has.endpoint.has(name) && String(endpointAddresses(stream.has.endpoint.get(name))) === String(want),
      {
        what: `${name} has ${want.join(', ')}`,
      },
    );
  const page = async (path: string) => (await get(controlPlane.httpPort, { path })).body;

  it('gives restarted Pods of a StatefulSet their own labels at once, though each has the address of the other', async () => {
    const namespace = await cluster.namespace();
    const [a, b] = ['10.76.0.1', '10.76.0.2'];
    const restart = (...pods: { name: string; ip: string; v: string }[]) =>
      applyDeployment(cluster, {
        ...{ namespace, name: 'db', ports, service: { clusterIP: 'None' } },
        pods: pods.map(({ v, ...pod }) => ({ ...pod, labels: { v } })),
      });
    const subset = (v: string) => ({ name: v, labels: { v } });
    const name = (v: string) => `outbound|80|${v}|${hostOf(namespace, 'db')}`;
    await cluster.apply({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { namespace, name: 'db' },
      spec: { host: hostOf(namespace, 'db'), trafficPolicy: simpleLb, subsets: ['old', 'zero', 'one'].map(subset) },
    });
    await restart({ name: 'db-0', ip: a, v: 'old' }, { name: 'db-1', ip: b, v: 'old' });
    const client = connect(namespace);
    await client.subscribe('cluster');
    await client.subscribe('endpoint', ['old', 'zero', 'one'].map(name));
    await has(client, name('old'), [`${a}:8080`, `${b}:8080`]);
    await restart({ name: 'db-0', ip: b, v: 'zero' }, { name: 'db-1', ip: a, v: 'one' });
    await has(client, name('zero'), [`${b}:8080`]);
    await has(client, name('one'), [`${a}:8080`]);
    await has(client, name('old'), []);
  });

  it('never lets a client be without an endpoint that moves between slices, the removal first', async () => {
    const namespace = await cluster.namespace();
    await applyDeployment(cluster, { namespace, name: 'shop', ports, pods: ['10.76.1.1', '10.76.1.2'] });
    const [written] = await cluster.list({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' }, namespace);
    if (written === undefined) throw new Error('no slice was written');
    const endpoints = written.endpoints as readonly object[]; // a slice
    const other = { ...written, metadata: { namespace, name: 'other', labels: written.metadata.labels } };
    const write = (object: KubernetesObject, its: readonly object[]) =>
      cluster.apply({
        ...object,
        metadata: { namespace, name: object.metadata.name, labels: object.metadata.labels },
        endpoints: its,
      });
    await write(other, []);
    const client = connect(namespace);
    const name = `outbound|80||${hostOf(namespace, 'shop')}`;
    await client.subscribe('cluster');
    await has(client, name, ['10.76.1.1:8080', '10.76.1.2:8080']);
    const before = client.responses.length;
    // A machine that needs longer than the endpoint is kept proves nothing: the move is made again, back and forth.
    let [from, into] = [written, other] as readonly [KubernetesObject, KubernetesObject];
    for (let tookMs = Number.POSITIVE_INFINITY; tookMs > 1_000; [from, into] = [into, from]) {
      const startedMs = performance.now();
      await write(from, []);
      await write(into, endpoints);
      tookMs = performance.now() - startedMs;
    }
    await applyDeployment(cluster, { namespace, name: 'later', ports, pods: ['10.76.1.3'] });
    const later = `outbound|80||${hostOf(namespace, 'later')}`;
    await has(client, later, ['10.76.1.3:8080']); // everything before it has been sent
    const told = client.responses.slice(before).flatMap(({ resources }) => {
      const assignment = resources.get(name);
      return assignment === undefined ? [] : [endpointAddresses(assignment)];
    });
    for (const addresses of told) expect(addresses).toEqual(['10.76.1.1:8080', '10.76.1.2:8080']);
  });

  it('takes an evicted Pod out of the ServiceEntry that selects it', async () => {
    const namespace = await cluster.namespace();
    const host = `${namespace}.machines.test`;
    await applyDeployment(cluster, { namespace, name: 'vm', ports, pods: ['10.76.2.1', '10.76.2.2'] });
    await cluster.apply({
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { namespace, name: 'machines' },
      spec: {
        hosts: [host],
        location: 'MESH_INTERNAL',
        resolution: 'STATIC',
        ports: [{ name: 'http', number: 90, protocol: 'HTTP' }],
        workloadSelector: { labels: { app: 'vm' } },
      },
    });
    const client = connect(namespace);
    await client.subscribe('cluster');
    await eventually(() => client.has.cluster.has(`outbound|90||${host}`), { what: 'the cluster' });
    await has(client, `outbound|90||${host}`, ['10.76.2.1:90', '10.76.2.2:90']);
    const evicted = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'vm-10-76-2-1' } };
    await cluster.patchStatus(evicted, { phase: 'Failed', reason: 'Evicted' });
    await has(client, `outbound|90||${host}`, ['10.76.2.2:90']);
  });

  it('counts heartbeats of Nodes and the noise of Pods, and neither compiles nor sends anything for them', async () => {
    const namespace = await cluster.namespace();
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: `node-of-${namespace}` } };
    await cluster.apply({ ...node, metadata: { ...node.metadata, labels: { 'topology.kubernetes.io/zone': 'z' } } });
    await applyDeployment(cluster, { namespace, name: 'shop', ports, pods: ['10.76.3.1'] });
    const client = connect(namespace);
    await client.subscribe('cluster');
    await has(client, `outbound|80||${hostOf(namespace, 'shop')}`, ['10.76.3.1:8080']);
    const ignored = (kind: string) =>
      controlPlane.metric(`binnacle_kubernetes_ignored_events_total{adapter="kubernetes",kind="${kind}"}`);
    const work = async () => [await controlPlane.metric('binnacle_revision'), client.responses.length];
    const before = { nodes: (await ignored('Node')) ?? 0, pods: (await ignored('Pod')) ?? 0, work: await work() };
    for (const round of [1, 2, 3]) {
      const heartbeat = { type: 'Ready', status: 'True', lastHeartbeatTime: `2026-01-01T00:00:0${round}Z` };
      await cluster.patchStatus(node, { conditions: [heartbeat] });
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'shop-10-76-3-1' } };
      await cluster.patchStatus(pod, { message: `round ${round}` });
    }
    await eventually(async () => ((await ignored('Node')) ?? 0) >= before.nodes + 3, { what: 'the heartbeats' });
    await eventually(async () => ((await ignored('Pod')) ?? 0) >= before.pods + 3, { what: 'the noise' });
    expect(await work()).toEqual(before.work);
  });

  it('tells of entries that are wrong, and serves the rest', async () => {
    const namespace = await cluster.namespace();
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.76.4.9'] }],
      ports: [{ name: 'http', port: 8080 }],
    };
    await cluster.apply({ ...slice, metadata: { namespace, name: 'nobodys' } });
    await applyDeployment(cluster, { namespace, name: 'shop', ports, pods: ['10.76.4.1'] });
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name: 'shop' } };
    await cluster.patch(service, { metadata: { annotations: { 'networking.istio.io/exportTo': '*, No Namespace' } } });
    await eventually(async () => (await page('/debug/adapterz')).includes("'No Namespace' is no namespace"), {
      what: 'the annotation is told of',
    });
    expect(await page('/debug/adapterz')).toContain(`EndpointSlice ${namespace}/nobodys`);
    const client = connect(namespace);
    await client.subscribe('cluster');
    await has(client, `outbound|80||${hostOf(namespace, 'shop')}`, ['10.76.4.1:8080']);
  });

  it('shows a route to an ExternalName that points nowhere, and serves the rest of the rule', async () => {
    const namespace = await cluster.namespace();
    const books = (externalName: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: 'books' },
      spec: { type: 'ExternalName', externalName },
    });
    await applyDeployment(cluster, { namespace, name: 'shop', ports, pods: ['10.76.5.1'] });
    await cluster.apply(books('nowhere.example'));
    const to = (name: string) => [{ destination: { host: hostOf(namespace, name) } }];
    await cluster.apply({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { namespace, name: 'crane' },
      spec: {
        hosts: [`${namespace}.crane.test`],
        http: [{ match: [{ uri: { prefix: '/books' } }], route: to('books') }, { route: to('shop') }],
      },
    });
    const client = connect(namespace);
    await client.subscribe('cluster');
    const problem = 'there is no service nowhere.example';
    await eventually(async () => (await page('/debug/problemz')).includes(problem), { what: 'the problem' });
    await cluster.apply(books(hostOf(namespace, 'shop')));
    await eventually(async () => !(await page('/debug/problemz')).includes(problem), { what: 'the problem ends' });
  });
});

const simpleLb = { loadBalancer: { simple: 'ROUND_ROBIN' } };
