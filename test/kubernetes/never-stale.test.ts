import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';
import { type Followed, type FollowedOptions, startFollowing } from '../support/kubernetes/followed.ts';
import { startLineProxy } from '../support/kubernetes/line-proxy.ts';
import type { KubernetesObject } from '../support/kubernetes/objects.ts';

/** Each test follows one kind in a namespace of its own. The adapter follows each of its kinds in this way. */
describeWith(['kubernetes'], 'a kind that is followed on a real API server', () => {
  let cluster: Cluster;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'binnacle-never-stale-'));
    cluster = await startCluster();
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const configMap = (namespace: string, name: string, value = ''): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name },
    data: { value },
  });
  const pathOf = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`;

  async function following(options: Pick<FollowedOptions, 'path'> & Partial<FollowedOptions>): Promise<Followed> {
    const followed = startFollowing({ kubeconfig: cluster.access.kubeconfigPath, ...options });
    onTestFinished(() => followed.stop());
    return followed;
  }

  /** Follows ConfigMaps through a proxy, with one in the list. */
  async function proxied(options: Partial<FollowedOptions> = {}) {
    const namespace = await cluster.namespace();
    const proxy = await cluster.proxied();
    const kubeconfig = await written(`${namespace}.yaml`, proxy.kubeconfig);
    await cluster.apply(configMap(namespace, 'first'));
    const followed = await following({ kubeconfig, path: pathOf(namespace), ...options });
    await followed.has('first');
    return { namespace, proxy, followed };
  }

  async function written(name: string, text: string): Promise<string> {
    await writeFile(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  }

  const isWatching = (followed: Followed) => () => followed.trouble() === null;
  const isLost = (followed: Followed) =>
    eventually(() => followed.trouble() === 'unreachable', { what: 'the loss is noticed' });

  it('detects a server that hangs, keeps its objects, and continues when the server does', async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(configMap(namespace, 'first'));
    const followed = await following({ path: pathOf(namespace) });
    await followed.has('first');
    cluster.apiServer.pause();
    try {
      await isLost(followed);
      expect(followed.names()).toEqual(['first']);
    } finally {
      cluster.apiServer.resume();
    }
    await cluster.apply(configMap(namespace, 'second'));
    await followed.has('first', 'second');
    await eventually(isWatching(followed), { what: 'it watches again' });
  });

  it('sees changes after its connection went silent without a FIN', async () => {
    const { namespace, proxy, followed } = await proxied();
    proxy.silence();
    await cluster.apply(configMap(namespace, 'second'));
    await cluster.remove(configMap(namespace, 'first'));
    await followed.has('second');
  });

  it('sees changes that happen while the server is unreachable for long', async () => {
    const { namespace, proxy, followed } = await proxied();
    proxy.hang();
    await isLost(followed);
    await cluster.apply(configMap(namespace, 'second'));
    await cluster.remove(configMap(namespace, 'first'));
    proxy.cut(); // what the dead connections still had is never delivered
    proxy.resume();
    await followed.has('second');
  });

  it('continues after a restart of the server', async () => {
    const { namespace, followed } = await proxied();
    await cluster.apiServer.restart();
    await cluster.apply(configMap(namespace, 'second'));
    await followed.has('first', 'second');
    await cluster.apply(configMap(namespace, 'second', 'changed'));
    await eventually(() => followed.values().second === 'changed', { what: 'the change' });
  });

  it('lists again when the required history is gone, and removes objects that vanished meanwhile', async () => {
    const { namespace, proxy, followed } = await proxied();
    proxy.hang();
    await isLost(followed);
    await cluster.remove(configMap(namespace, 'first'));
    await cluster.apply(configMap(namespace, 'second'));
    await cluster.apiServer.restart(); // its history begins anew
    proxy.cut();
    proxy.resume();
    await followed.has('second');
    expect(followed.told).toEqual(['expired']);
  });

  it('needs no bookmarks, neither at the end of a list nor as a sign of life', async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(configMap(namespace, 'first'));
    const proxy = await startLineProxy(cluster, (event) => event.includes('"BOOKMARK"'));
    onTestFinished(() => proxy.stop());
    const kubeconfig = await written('lines.yaml', cluster.kubeconfig({ url: proxy.url }));
    const followed = await following({ kubeconfig, path: pathOf(namespace), idleMs: 300 });
    await followed.has('first');
    const watches = () => proxy.requests.filter((path) => path.includes('watch=1'));
    await eventually(() => watches().length > 2, { what: 'silent watches are begun again' });
    await cluster.apply(configMap(namespace, 'second'));
    await followed.has('first', 'second');
    expect(watches().filter((path) => path.includes('sendInitialEvents'))).toEqual([]);
    expect(followed.told).toEqual([]);
  });

  it('detects a lost event by comparing lists, reports it and repairs it', async () => {
    const namespace = await cluster.namespace();
    const proxy = await startLineProxy(cluster, (event) => event.includes('"name":"lost"'));
    onTestFinished(() => proxy.stop());
    const kubeconfig = await written('lost.yaml', cluster.kubeconfig({ url: proxy.url }));
    const followed = await following({ kubeconfig, path: pathOf(namespace), compareMs: 500 });
    await cluster.apply(configMap(namespace, 'seen'));
    await followed.has('seen');
    await cluster.apply(configMap(namespace, 'lost'));
    await followed.has('lost', 'seen');
    expect(followed.told).toEqual(['1 differed', 'differs']);
    await cluster.remove(configMap(namespace, 'lost'));
    await followed.has('seen');
  });

  it('waits for a kind that is defined later, follows it, and removes its objects with the definition', async () => {
    const namespace = await cluster.namespace();
    const followed = await following({ path: '/apis/late.binnacle.dev/v1/things' });
    await eventually(() => followed.trouble() === 'missing', { what: 'the kind is missing' });
    expect(followed.isSettled()).toBe(true); // nobody waits for it
    await cluster.apply(definition);
    const thing = { apiVersion: 'late.binnacle.dev/v1', kind: 'Thing', metadata: { namespace, name: 'one' } };
    await eventually(() => cluster.apply(thing), { what: 'the kind is served' });
    await followed.has('one');
    expect(followed.trouble()).toBeNull();
    await cluster.remove(definition);
    await followed.has();
    await eventually(() => followed.trouble() === 'missing', { what: 'the kind is missing again' });
  });

  it('uses a new token from its file before and after the server revokes the old one, without losing changes', async () => {
    const namespace = await cluster.namespace();
    const tokenOf = async (pod: string) => {
      await cluster.apply(podOf(namespace, pod));
      return cluster.serviceAccountToken(namespace, 'reader', { pod });
    };
    await cluster.serviceAccountToken(namespace, 'reader'); // creates the account
    await cluster.grant({
      name: 'reader-of-config-maps',
      inNamespace: namespace,
      to: { serviceAccount: 'reader', namespace },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }],
    });
    const proxy = await cluster.proxied();
    await cluster.apply(configMap(namespace, 'first'));
    await written('token', await tokenOf('old'));
    const kubeconfig = await written('rotated.yaml', proxy.kubeconfig.replace(/token: .*/, 'tokenFile: token'));
    const followed = await following({ kubeconfig, path: pathOf(namespace) });
    await followed.has('first');

    // As a kubelet does: the new token is there before the old one ends. Watches that are open stay.
    await written('token', await tokenOf('new'));
    await cluster.remove(podOf(namespace, 'old'));
    proxy.cut();
    await cluster.apply(configMap(namespace, 'second'));
    await followed.has('first', 'second');

    // The old one ends before the new one is there: the loss is shown, and ends with the new file.
    await cluster.remove(podOf(namespace, 'new'));
    await eventually(
      () => {
        proxy.cut();
        return followed.trouble() !== null;
      },
      { what: 'the token is refused', everyMs: 200 },
    );
    await eventually(() => followed.trouble() === 'unreachable', { what: 'the trouble stays' });
    await cluster.apply(configMap(namespace, 'third'));
    expect(followed.names()).toEqual(['first', 'second']);
    await written('token', await tokenOf('newest'));
    await followed.has('first', 'second', 'third');
  });
});

const podOf = (namespace: string, name: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name },
  spec: { serviceAccountName: 'reader', containers: [{ name: 'app', image: 'app' }] },
});

const definition: KubernetesObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.late.binnacle.dev' },
  spec: {
    group: 'late.binnacle.dev',
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
