import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { adapterz } from '../../src/telemetry/debug/registry-views.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import { applyDeployment } from '../support/kubernetes/deployment.ts';
import { type Reader, startReader } from '../support/kubernetes/reader.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

const ports = [{ name: 'http', port: 80, targetPort: 8080 }];

describeWith(['kubernetes', 'istioCrds'], 'an adapter of several clusters', () => {
  let home: ClusterClient;
  let east: Cluster;
  /** One namespace in both clusters, with the Service `reviews`. */
  let namespace = '';
  let reviews = '';
  let directory = '';
  let readers: Reader[] = [];

  beforeAll(async () => {
    [home, east] = await Promise.all([sharedCluster(), startCluster()]);
    await east.apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'istio-system', labels: { 'topology.istio.io/network': 'east-network' } },
    });
  });
  afterAll(async () => {
    home?.close();
    await east?.stop();
  });
  beforeEach(async () => {
    namespace = await home.namespace();
    reviews = `reviews.${namespace}`;
    await east.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await deploy(home, '10.1.0.1');
    await deploy(east, '10.2.0.1');
    directory = await mkdtemp(join(tmpdir(), 'binnacle-clusters-'));
  });
  afterEach(async () => {
    for (const reader of readers) await reader.stop();
    readers = [];
    await rm(directory, { recursive: true, force: true });
  });

  const deploy = (cluster: ClusterClient, ...pods: readonly string[]) =>
    applyDeployment(cluster, { namespace, name: 'reviews', ports, pods });
  const kubeconfig = async (name: string, text: string) => {
    await writeFile(join(directory, `.${name}`), text, { mode: 0o600 });
    await rename(join(directory, `.${name}`), join(directory, name));
    return join(directory, name);
  };
  async function read(settings: Readonly<Record<string, unknown>>, more: { dir?: string; homeUrl?: string } = {}) {
    const { homeUrl, dir = join(directory, '.data') } = more;
    const own = home.kubeconfig(homeUrl === undefined ? {} : { url: homeUrl });
    await mkdir(dir, { recursive: true });
    const reader = await startReader({
      settings: { kubeconfig: own, clusterId: 'home', network: 'home-network', namespaces: [namespace], ...settings },
      dir,
      syncTimeoutSeconds: homeUrl === undefined ? 60 : 1,
    });
    readers.push(reader);
    return reader;
  }
  const secretOf = (name: string, kubeconfigs: Readonly<Record<string, string>>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name, labels: { 'istio/multiCluster': 'true' } },
    stringData: kubeconfigs,
  });
  const both = ['10.1.0.1 home home-network', '10.2.0.1 east east-network'];
  const homeOnly = ['10.1.0.1 home home-network'];

  it('joins the endpoints of one Service of two clusters, each with its cluster and network', async () => {
    const path = await kubeconfig('east', east.kubeconfig());
    const reader = await read({ clusters: [{ clusterId: 'east', kubeconfig: path }] });
    await reader.until(() => reader.endpoints(reviews), both);
    const [service] = [...reader.registry.services()].filter(({ name }) => name === 'reviews');
    const addresses = await Promise.all(
      [home, east].map(async (cluster) => {
        const object = await cluster.get({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { namespace, name: 'reviews' },
        });
        return (object?.spec as { clusterIP: string } | undefined)?.clusterIP; // a Service
      }),
    );
    expect(service?.vips).toEqual(addresses);
  });

  it("reads the rules of the adapter's own cluster alone", async () => {
    await Promise.all([home.applyIstioCrds(), east.applyIstioCrds()]);
    const rule = (name: string) => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { namespace, name },
      spec: { hosts: ['reviews'] },
    });
    await east.apply(rule('of-east'));
    const path = await kubeconfig('east', east.kubeconfig());
    const reader = await read({ clusters: [{ clusterId: 'east', kubeconfig: path }] });
    await reader.until(() => reader.endpoints(reviews), both);
    await home.apply(rule('of-home'));
    await reader.until(() => reader.objects(), [`VirtualService ${namespace}/of-home`]);
  });

  it('keeps the endpoints of a cluster that is lost, while the others go on, and shows its state', async () => {
    const path = await kubeconfig('east', east.kubeconfig());
    const reader = await read({ clusters: [{ clusterId: 'east', kubeconfig: path }] });
    await reader.until(() => reader.endpoints(reviews), both);
    await east.apiServer.kill();
    await reader.until(() => reader.states(), { kubernetes: 'synced', 'kubernetes/east': 'degraded' });
    expect(JSON.stringify(await viewed(reader))).toMatch(
      /"name":"kubernetes\/east".*"state":"degraded".*"reason":"\/api/,
    );
    await deploy(home, '10.1.0.2');
    await reader.until(() => reader.endpoints(reviews), ['10.1.0.2 home home-network', '10.2.0.1 east east-network']);
    await east.apiServer.start();
    await reader.until(() => reader.states(), { kubernetes: 'synced', 'kubernetes/east': 'synced' });
    await deploy(east, '10.2.0.2');
    await reader.until(() => reader.endpoints(reviews), ['10.1.0.2 home home-network', '10.2.0.2 east east-network']);
  });

  it('is ready without a cluster that never answers, once the time for it has passed', async () => {
    const path = await kubeconfig('away', east.kubeconfig({ url: 'https://127.0.0.1:1' }));
    const dir = join(directory, '.data');
    await mkdir(dir);
    const reader = await startReader({
      settings: {
        kubeconfig: home.kubeconfig(),
        namespaces: [namespace],
        clusters: [{ clusterId: 'away', kubeconfig: path }],
      },
      dir,
      syncTimeoutSeconds: 3,
    });
    readers.push(reader);
    await reader.until(() => reader.states(), { kubernetes: 'synced', 'kubernetes/away': 'degraded' });
    await reader.until(() => reader.registry.awaited(), []);
  });

  it('follows a directory: a kubeconfig that appears joins, one that is removed leaves', async () => {
    const reader = await read({ kubeconfigDirectory: directory });
    await reader.until(() => reader.endpoints(reviews), homeOnly);
    await kubeconfig('east.yaml', east.kubeconfig());
    await reader.until(() => reader.endpoints(reviews), both);
    expect(reader.registry.awaited()).toEqual([]);
    await rm(join(directory, 'east.yaml'));
    await reader.until(() => reader.states(), { kubernetes: 'synced' });
    expect(reader.endpoints(reviews)).toEqual(homeOnly);
  });

  it('reconnects by a changed kubeconfig and loses nothing meanwhile', async () => {
    await kubeconfig('east', east.kubeconfig());
    const reader = await read({ kubeconfigDirectory: directory });
    await reader.until(() => reader.endpoints(reviews), both);
    const gaps = reader.gaps(reviews, '10.2.0.1');
    const proxy = await east.proxied();
    await kubeconfig('east', proxy.kubeconfig);
    await reader.until(() => proxy.connections > 0, true);
    await deploy(east, '10.2.0.1', '10.2.0.2');
    await reader.until(() => reader.endpoints(reviews), [...both, '10.2.0.2 east east-network']);
    await kubeconfig('east', 'no: [kubeconfig');
    await reader.until(() => Object.keys(reader.problems()), [join(directory, 'east')]);
    await deploy(east, '10.2.0.1', '10.2.0.3');
    await reader.until(() => reader.endpoints(reviews), [...both, '10.2.0.3 east east-network']);
    await kubeconfig('east', east.kubeconfig());
    await reader.until(() => Object.keys(reader.problems()), []);
    expect(gaps()).toEqual([]);
  });

  it("follows Istio's remote secrets: their clusters join, and leave with their Secret", async () => {
    const reader = await read({ remoteSecretsNamespace: namespace });
    await reader.until(() => reader.endpoints(reviews), homeOnly);
    await home.apply(secretOf('remote-east', { east: east.kubeconfig() }));
    await reader.until(() => reader.endpoints(reviews), both);
    await home.patch(secretOf('remote-east', {}), { metadata: { labels: { 'istio/multiCluster': 'false' } } });
    await reader.until(() => reader.states(), { kubernetes: 'synced' });
    expect(reader.endpoints(reviews)).toEqual(homeOnly);
    expect((await readdir(join(reader.dir, 'shards'))).filter((name) => name.includes('east'))).toEqual([]);
  });

  it('loses nothing when the credentials of a cluster are rotated', async () => {
    const rules = [{ apiGroups: ['', 'discovery.k8s.io'], resources: ['*'], verbs: ['get', 'list', 'watch'] }];
    const account = (name: string) => ({ name, to: { serviceAccount: name, namespace }, rules });
    const tokenOf = async (name: string) => {
      const token = await east.serviceAccountToken(namespace, name);
      await east.grant(account(name));
      return token;
    };
    const [first, second] = [await tokenOf(`${namespace}-first`), await tokenOf(`${namespace}-second`)];
    await home.apply(secretOf('remote-east', { east: east.kubeconfig({ token: first }) }));
    const reader = await read({ remoteSecretsNamespace: namespace });
    await reader.until(() => reader.endpoints(reviews), both);
    const gaps = reader.gaps(reviews, '10.2.0.1');
    await home.apply(secretOf('remote-east', { east: east.kubeconfig({ token: second }) }));
    await east.remove({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace, name: `${namespace}-first` },
    });
    await east.apiServer.kill(); // ends all watches: their successors need the new token
    await east.apiServer.start();
    await deploy(east, '10.2.0.1', '10.2.0.2');
    await reader.until(() => reader.endpoints(reviews), [...both, '10.2.0.2 east east-network']);
    await reader.until(() => reader.states(), { kubernetes: 'synced', 'kubernetes/east': 'synced' });
    expect(gaps()).toEqual([]);
  });

  it('serves the snapshots of all clusters when it starts while the cluster with their Secrets is away', async () => {
    await home.apply(secretOf('remote-east', { east: east.kubeconfig() }));
    const first = await read({ remoteSecretsNamespace: namespace });
    await first.until(() => first.endpoints(reviews), both);
    await first.stop();
    const second = await read({ remoteSecretsNamespace: namespace }, { homeUrl: 'https://127.0.0.1:1' });
    await second.until(() => second.states(), { kubernetes: 'stale', 'kubernetes/east': 'stale' });
    expect(second.endpoints(reviews)).toEqual(both);
  });

  it('tells of a name that is taken, and of a Secret that would run a command', async () => {
    const plugin = east
      .kubeconfig()
      .replace('token: admin-token', 'exec: { apiVersion: client.authentication.k8s.io/v1, command: id }');
    await home.apply(secretOf('remote', { home: east.kubeconfig(), west: plugin }));
    const reader = await read({ remoteSecretsNamespace: namespace });
    await reader.until(() => reader.states(), { kubernetes: 'synced' });
    const problems = Object.entries(reader.problems()).map(([origin, message]) => `${origin}: ${message}`);
    expect(problems.filter((line) => !line.includes('cannot be read'))).toEqual([
      `Secret ${namespace}/remote, west: exec: a kubeconfig in a Secret may not run commands; use a token or a client certificate`,
      `cluster home of Secret ${namespace}/remote, home: its name is that of the adapter's own`,
    ]);
  });
});

async function viewed(reader: Reader): Promise<unknown> {
  const view = adapterz(reader.registry).read({});
  if (!view.ok) throw new Error('the view cannot be read');
  let text = '';
  for await (const part of view.value) text += part;
  return JSON.parse(text);
}
