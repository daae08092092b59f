import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAds, sidecarId } from '../support/ads-client.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '../support/kubernetes/objects.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

const host = 'shop.test';

describeWith(['kubernetes', 'istioCrds'], 'labels and annotations of rules in a cluster', () => {
  let cluster: ClusterClient;
  let controlPlane: ControlPlane;
  let namespace = '';

  beforeAll(async () => {
    cluster = await sharedCluster();
    await cluster.applyIstioCrds();
    namespace = await cluster.namespace();
    controlPlane = await startControlPlane({
      config: {
        adapters: [
          { type: 'kubernetes', kubeconfig: cluster.access.kubeconfigPath, namespaces: [namespace], network: '' },
        ],
      },
    });
  });
  afterAll(async () => {
    await controlPlane?.stop();
    cluster?.close();
  });

  const rule = (group: string, kind: string, spec: object): KubernetesObject => ({
    apiVersion: `${group}.istio.io/v1`,
    kind,
    metadata: { namespace, name: 'shop' },
    spec,
  });
  const routes = (step: number) =>
    rule('networking', 'VirtualService', {
      hosts: [host],
      http: [{ name: `step-${step}`, route: [{ destination: { host } }] }],
    });
  const rulesOf = () => [
    rule('networking', 'ServiceEntry', {
      hosts: [host],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: '10.4.0.1' }],
    }),
    routes(1),
    rule('networking', 'DestinationRule', { host, trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } } }),
    rule('networking', 'Sidecar', { egress: [{ hosts: ['./*'] }] }),
    rule('networking', 'Gateway', {
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
    }),
    rule('security', 'AuthorizationPolicy', { rules: [{}] }),
    rule('telemetry', 'Telemetry', { accessLogging: [{ disabled: true }] }),
  ];
  const rulesInEffect = async () => (await get(controlPlane.httpPort, { path: '/debug/configz' })).body;
  /** Returns the counters of compiled, encoded and sent parts. */
  const counters = async () => {
    const { body } = await get(controlPlane.httpPort, { path: '/metrics' });
    const lines = body.split('\n').filter((line) => /^binnacle_(flush_work|pushes)_total/.test(line));
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]));
  };
  const difference = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) =>
    Object.fromEntries([...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)]));

  it('change nothing that is compiled or sent', async () => {
    const rules = rulesOf();
    await cluster.apply(...rules);
    await eventually(async () => (await rulesInEffect()).includes('Telemetry'), { what: 'the rules are read' });
    const client = openAds(controlPlane.xdsPort, { nodeId: sidecarId(namespace), follow: true });
    const routed = (step: number) =>
      eventually(() => [...client.has.route.values()].some((bytes) => Buffer.from(bytes).includes(`step-${step}`)), {
        what: `step ${step} is sent`,
      });
    await Promise.all([client.subscribe('cluster'), client.subscribe('listener')]);
    await routed(1);
    const first = await counters();
    await cluster.apply(routes(2));
    await routed(2);
    const second = await counters();
    for (const object of rules) {
      const metadata = { labels: { team: 'shop' }, annotations: { note: `of ${object.kind}` } };
      await cluster.patch(object, { metadata });
    }
    for (const object of rules) {
      const path = await cluster.path(object);
      await eventually(async () => (await get(controlPlane.httpPort, { path })).body.includes(`of ${object.kind}`), {
        what: `the annotation of ${object.kind} is read`,
      });
    }
    await cluster.apply(routes(3)); // is sent after everything that came before
    await routed(3);
    const third = await counters();
    expect(difference(second, third)).toEqual(difference(first, second));
    expect(Object.values(difference(first, second)).some((count) => count > 0)).toBe(true);
  });
});
