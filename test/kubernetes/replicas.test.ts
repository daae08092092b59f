import { afterAll, beforeAll, expect, it } from 'vitest';
import type { XdsType } from '../../src/proto/resource.ts';
import { type AdsStream, openAds, sidecarId } from '../support/ads-client.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import { applyDeployment } from '../support/kubernetes/deployment.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

const types: readonly XdsType[] = ['cluster', 'endpoint', 'listener', 'route'];

describeWith(['kubernetes', 'istioCrds'], 'two replicas on one API server', () => {
  let cluster: ClusterClient;
  let namespace: string;
  let one: ControlPlane;
  let two: ControlPlane;

  beforeAll(async () => {
    cluster = await sharedCluster();
    await cluster.applyIstioCrds();
    namespace = await cluster.namespace();
    [one, two] = await Promise.all([startReplica(), startReplica()]);
  });
  afterAll(async () => {
    await Promise.all([one?.stop(), two?.stop()]);
    cluster?.close();
  });

  const startReplica = () => {
    const place = { kubeconfig: cluster.access.kubeconfigPath };
    return startControlPlane({
      config: {
        store: { type: 'kubernetes', ...place, status: false },
        adapters: [{ type: 'kubernetes', ...place, namespaces: [namespace] }],
      },
    });
  };
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  const deploy = (name: string, ...ips: readonly string[]) =>
    applyDeployment(cluster, { namespace, name, ports, pods: ips.map((ip) => ({ ip })) });
  const cdsName = (service: string) => `outbound|80||${service}.${namespace}.svc.cluster.local`;
  const sidecarRule = (name: string, tier: string, host: string) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name, namespace },
    spec: {
      workloadSelector: { labels: { tier } },
      egress: [{ hosts: [`./${host}.${namespace}.svc.cluster.local`] }],
    },
  });
  const isReachable = (stream: AdsStream, service: string) => stream.has.cluster.has(cdsName(service));

  it('serve a pod that the API server has not shown yet from its node, and correct that when it appears', async () => {
    await deploy('first', '10.76.0.1');
    await deploy('second', '10.76.0.2');
    await cluster.apply(sidecarRule('of-node', 'stated', 'first'), sidecarRule('of-pod', 'real', 'second'));
    const ip = '10.76.0.9';
    const numbers: number[] = [];
    const stream: AdsStream = openAds(one.xdsPort, {
      mode: 'delta',
      nodeId: sidecarId(namespace, 'late-1', ip),
      labels: { tier: 'stated' },
      follow: true,
      answer: ({ type }) => {
        if (type === 'cluster')
          numbers.push([...stream.has.cluster.keys()].filter((name) => name.startsWith('outbound|')).length);
        return null;
      },
    });
    await stream.subscribe('cluster');
    await eventually(() => isReachable(stream, 'first') && !isReachable(stream, 'second'), {
      what: 'the rule for the labels of the node counts',
    });

    const late = { name: 'late-1', ip, labels: { tier: 'real' } };
    await applyDeployment(cluster, { namespace, name: 'late', ports, pods: [late] });
    await eventually(() => isReachable(stream, 'second') && !isReachable(stream, 'first'), {
      what: 'the rule for the labels of the pod counts',
    });
    expect(Math.min(...numbers)).toBeGreaterThan(0);
  });

  it('send a client that moves from one to the other nothing that it has', async () => {
    await deploy('kept', '10.76.1.1', '10.76.1.2');
    const before = openAds(one.xdsPort, {
      mode: 'delta',
      nodeId: sidecarId(namespace, 'mover', '10.76.1.9'),
      follow: true,
    });
    await before.subscribe('cluster');
    await before.subscribe('listener');
    const isComplete = (stream: AdsStream) =>
      stream.has.endpoint.has(cdsName('kept')) && stream.has.route.has('80') && isReachable(stream, 'kept');
    await eventually(() => isComplete(before), { what: 'the client has its configuration' });
    const probe = openAds(two.xdsPort, {
      mode: 'delta',
      nodeId: sidecarId(namespace, 'probe', '10.76.1.8'),
      follow: true,
    });
    await probe.subscribe('cluster');
    await probe.subscribe('listener');
    await eventually(() => isComplete(probe), { what: 'the other replica has the same services' });

    await one.stop();
    expect((await before.ended).code).toBe(14); // UNAVAILABLE: come again
    const after = openAds(two.xdsPort, { mode: 'delta', nodeId: sidecarId(namespace, 'mover', '10.76.1.9') });
    for (const type of types) {
      const names = type === 'endpoint' || type === 'route' ? [...before.versions[type].keys()] : [];
      void after.subscribe(type, names, before.versions[type]).catch(() => {}); // there is nothing to answer
    }
    await deploy('added', '10.76.1.3');
    await eventually(() => isReachable(after, 'added'), { what: 'what is new arrives' });
    for (const { type, resources, removed } of after.responses) {
      for (const name of resources.keys()) {
        expect(`${type} ${name}`).toMatch(/^(cluster outbound\|80\|\|added|route 80$)/);
      }
      expect(removed).toEqual([]);
    }
  });
});
