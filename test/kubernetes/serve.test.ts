import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';
import { applyDeployment } from '../support/kubernetes/deployment.ts';
import { destinationRule, serviceEntry, to, virtualService } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'shop.test';

/** The API server refuses endpoints on loopback, so the traffic goes to a ServiceEntry's. */
describeWith(['kubernetes', 'istioCrds', 'kubectl', 'envoy'], 'an Envoy that is served from a cluster', () => {
  let cluster: Cluster;
  let controlPlane: ControlPlane;
  let kubectl: Kubectl;
  let envoy: Envoy;
  let v1: Backend;
  let v2: Backend;
  let port: number;

  const apply = (...objects: readonly object[]) =>
    kubectl.ok('apply -f -', { stdin: objects.map((object) => stringify(object)).join('---\n') });
  const route = (weights: Readonly<Record<string, number>>) =>
    apply(virtualService(host, [{ route: to(host, weights) }]));
  const answers = async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => get(port, { host })));
    return [...new Set(responses.map(({ status, body }) => `${status} ${body}`))].sort();
  };
  const answer = (want: readonly string[]) =>
    eventually(async () => String(await answers()) === String(want), { what: `answers ${want.join(' and ')}` });

  beforeAll(async () => {
    [v1, v2, port, cluster] = await Promise.all([startBackend('v1'), startBackend('v2'), freePort(), startCluster()]);
    kubectl = await createKubectl({ kubeconfig: cluster.kubeconfig() });
    await cluster.applyIstioCrds();
    controlPlane = await startControlPlane({
      config: { adapters: [{ type: 'kubernetes', kubeconfig: cluster.access.kubeconfigPath }] },
    });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await cluster?.stop();
    await Promise.all([v1?.stop(), v2?.stop(), kubectl?.delete()]);
  });

  it('gets the endpoints of Services, and loses those that leave their slice', async () => {
    const namespace = await cluster.namespace();
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
    const endpoints = async () => (await envoy.admin('/clusters')).match(/10\.75\.0\.\d+:8080(?=::health_flags)/g);
    const have = (want: string) =>
      eventually(async () => String((await endpoints())?.sort()) === want, { what: `endpoints ${want}` });
    await applyDeployment(cluster, { namespace, name: 'reviews', ports, pods: ['10.75.0.1', '10.75.0.2'] });
    await have('10.75.0.1:8080,10.75.0.2:8080');
    await applyDeployment(cluster, { namespace, name: 'reviews', ports, pods: ['10.75.0.2'] });
    await have('10.75.0.2:8080');
  });

  it("moves its traffic by kubectl apply to the cluster's API server", async () => {
    const endpoints = [v1, v2].map((backend) => ({ port: backend.port, labels: { version: backend.name } }));
    await apply(serviceEntry(host, port, endpoints), destinationRule(host, ['v1', 'v2']));
    await answer(['200 v1', '200 v2']);
    await route({ v1: 100 });
    await answer(['200 v1']);
    await route({ v2: 100 });
    await answer(['200 v2']);
  });

  it('keeps its traffic while the API server is down, and follows it again afterwards', async () => {
    await cluster.apiServer.kill();
    await eventually(
      async () => (await get(controlPlane.httpPort, { path: '/debug/adapterz' })).body.includes('degraded'),
      {
        what: 'the adapter is degraded',
      },
    );
    expect(await answers()).toEqual(['200 v2']);
    await cluster.apiServer.start();
    await route({ v1: 100 });
    await answer(['200 v1']);
  });

  it('follows a cluster whose etcd was restored to an older revision', async () => {
    const snapshot = await cluster.snapshot();
    await route({ v2: 100 });
    await answer(['200 v2']);
    for (let round = 0; round < 100; round++) await cluster.namespace('growth');
    await cluster.restore(snapshot);
    await answer(['200 v1']);
  });

  it('keeps a kind that is denied, and reads it again when it is granted', async () => {
    const everything = { apiGroups: ['', 'discovery.k8s.io'], resources: ['*'], verbs: ['get', 'list', 'watch'] };
    const rules = { apiGroups: ['networking.istio.io'], resources: ['*'], verbs: ['get', 'list', 'watch'] };
    const own = { serviceAccount: 'reader', namespace: 'default' };
    const token = await cluster.serviceAccountToken('default', 'reader', { expirationSeconds: 3_600 });
    await cluster.grant({ name: 'reader', to: own, rules: [everything] });
    const limited = await createKubectl({ kubeconfig: cluster.kubeconfig({ token }) });
    const reader = await startControlPlane({
      config: { adapters: [{ type: 'kubernetes', kubeconfig: join(limited.dir, 'kubeconfig') }] },
    });
    const adapters = async () => (await get(reader.httpPort, { path: '/debug/adapterz' })).body;
    try {
      expect(await adapters()).toContain('virtualservices cannot be read');
      await cluster.grant({ name: 'reader-rules', to: own, rules: [rules] });
      await eventually(async () => !(await adapters()).includes('virtualservices cannot be read'), {
        what: 'the rules are read',
      });
      const { body } = await get(reader.httpPort, { path: '/debug/configz' });
      expect(body).toContain(host);
    } finally {
      await reader.stop();
      await limited.delete();
    }
  });
});
