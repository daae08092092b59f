import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { seenBy } from '../capture/captured-mesh.ts';
import { createNetwork, type Namespace, type Network } from '../capture/namespaces.ts';
import { readableEnvoy, startWorkload } from '../capture/workload.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';
import { applyDeployment, type PodState } from '../support/kubernetes/deployment.ts';
import { destinationRule, to, virtualService } from '../support/mesh-dir.ts';
import { startUnixRelay, type UnixRelay } from '../support/unix-relay.ts';

/** Pods of the shop; each is a network namespace with its application and its sidecar. */
const pods = {
  frontend: '10.200.0.2',
  reviewsV1: '10.200.0.3',
  reviewsV2: '10.200.0.4',
  ratings: '10.200.0.5',
  ratingsToo: '10.200.0.6',
} as const;
type PodName = keyof typeof pods;
const podNames = Object.keys(pods) as readonly PodName[]; // the keys of the constant above

const namespace = 'shop';
const reviews = `reviews.${namespace}.svc.cluster.local`;
const xds = '10.200.0.1:15010';
const httpPort = [{ name: 'http', port: 80, targetPort: 8080 }];

/**
 * The shop as a kubelet would leave it: pods, Services and EndpointSlices on a real API server, a captured Envoy in each pod.
 * The applications call the names of Services; nothing else is configured.
 */
describeWith(['kubernetes', 'istioCrds', 'kubectl', 'envoy', 'packetFilter'], 'a shop of three services', () => {
  let folder: string;
  let cluster: Cluster;
  let controlPlane: ControlPlane;
  let kubectl: Kubectl;
  let network: Network;
  let relay: UnixRelay;
  let frontend: Namespace;
  const addresses = new Map<string, string>();

  const apply = (...rules: readonly { readonly metadata: object }[]) => {
    const objects = rules.map((rule) => ({ ...rule, metadata: { ...rule.metadata, namespace } }));
    return kubectl.ok('apply -f -', { stdin: objects.map((object) => stringify(object)).join('---\n') });
  };
  const shift = (weights: Readonly<Record<string, number>>) =>
    apply(virtualService(reviews, [{ route: to(reviews, weights) }]));
  const deploy = (name: string, own: readonly PodState[]) =>
    applyDeployment(cluster, { namespace, name, ports: httpPort, pods: own });
  const target = (service: string) => ({ address: addresses.get(service) ?? '', port: 80, host: service });
  const call = (service: string) => frontend.ask({ op: 'http', ...target(service) });
  /** Counts answers by the pod that gave them. */
  const answers = async (service: string, count: number) => {
    const seen = await Promise.all(Array.from({ length: count }, () => call(service)));
    return Map.groupBy(seen.map(seenBy), ({ name }) => name);
  };
  const isAnsweredBy = (service: string, want: readonly string[]) =>
    eventually(
      async () => {
        const names = [...(await answers(service, 20).catch(() => new Map<string, unknown>())).keys()];
        return String(names.sort()) === String([...want].sort());
      },
      { what: `${service} is answered by ${want.join(' and ')}` },
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'binnacle-shop-'));
    cluster = await startCluster();
    [kubectl] = await Promise.all([createKubectl({ kubeconfig: cluster.kubeconfig() }), cluster.applyIstioCrds()]);
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await deploy('frontend', [{ ip: pods.frontend }]);
    await deploy('reviews', [
      { ip: pods.reviewsV1, labels: { version: 'v1' } },
      { ip: pods.reviewsV2, labels: { version: 'v2' } },
    ]);
    await deploy('ratings', [{ ip: pods.ratings }, { ip: pods.ratingsToo }]);
    for (const { metadata, spec } of await cluster.list({ apiVersion: 'v1', kind: 'Service' }, namespace)) {
      addresses.set(metadata.name, String((spec as { clusterIP: string }).clusterIP)); // a Service
    }
    controlPlane = await startControlPlane({
      config: { adapters: [{ type: 'kubernetes', kubeconfig: cluster.access.kubeconfigPath }] },
    });

    network = await createNetwork(['hub', ...podNames]);
    const [hub, ...others] = network.namespaces;
    const socket = join(folder, 'xds');
    relay = await startUnixRelay(socket, controlPlane.xdsPort);
    await hub?.ask({ op: 'relay', port: 15010, socket });
    const envoy = await readableEnvoy(folder);
    await Promise.all(
      others.map(async (own, index) => {
        const name = podNames[index] ?? 'frontend';
        if (name === 'frontend') frontend = own;
        const labels: Record<string, string> = { app: name.replace(/V\d|Too/, '') };
        if (name.includes('V')) labels.version = name.slice(-2).toLowerCase();
        await own.ask({ op: 'listen', kind: 'http', port: 8080, name });
        await startWorkload(own, {
          ...{ name, namespace, ips: [pods[name]], labels, xds, folder, envoy },
          ...{ backend: 'nft', mode: 'redirect' },
        });
      }),
    );
  }, 180_000);
  afterAll(async () => {
    await network?.delete();
    await relay?.stop();
    await controlPlane?.stop();
    await Promise.all([cluster?.stop(), kubectl?.delete()]);
    await rm(folder, { recursive: true, force: true });
  });

  it('answers calls of service names through the sidecars of both sides', async () => {
    await isAnsweredBy('reviews', ['reviewsV1', 'reviewsV2']);
    await isAnsweredBy('ratings', ['ratings', 'ratingsToo']);
    expect(seenBy(await call('reviews')).peer).toBe('127.0.0.6'); // the sidecar beside the application
  });

  it('moves one call in a hundred by kubectl apply', async () => {
    await apply(destinationRule(reviews, ['v1', 'v2']));
    await shift({ v1: 100 });
    await isAnsweredBy('reviews', ['reviewsV1']);
    await shift({ v1: 99, v2: 1 });
    await eventually(async () => (await answers('reviews', 50)).has('reviewsV2'), { what: 'a call of the canary' });
    const sample = await answers('reviews', 300);
    expect(sample.get('reviewsV2')?.length ?? 0).toBeLessThan(30);
    await shift({ v2: 100 });
    await isAnsweredBy('reviews', ['reviewsV2']);
  });

  it('fails no call while an endpoint leaves and the API server is killed', async () => {
    await frontend.ask({ op: 'begin', ...target('ratings') });
    await deploy('ratings', [{ ip: pods.ratings }, { ip: pods.ratingsToo, terminating: true }]);
    await isAnsweredBy('ratings', ['ratings']);
    await deploy('ratings', [{ ip: pods.ratings }]);
    await cluster.apiServer.kill();
    const adapters = async () => (await get(controlPlane.httpPort, { path: '/debug/adapterz' })).body;
    await eventually(async () => (await adapters()).includes('degraded'), { what: 'the adapter is degraded' });
    await isAnsweredBy('ratings', ['ratings']);
    await cluster.apiServer.start();
    await deploy('ratings', [{ ip: pods.ratings }, { ip: pods.ratingsToo }]);
    await isAnsweredBy('ratings', ['ratings', 'ratingsToo']);
    const { count = 0, errors } = await frontend.ask({ op: 'end' });
    expect(errors).toEqual([]);
    expect(count).toBeGreaterThan(0);
  });
});
