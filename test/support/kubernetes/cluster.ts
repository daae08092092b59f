import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Authority } from '../certificates.ts';
import { partProgram } from '../parts.ts';
import { fixedPort } from '../ports.ts';
import { isRunning } from '../processes.ts';
import { type ServerProcess, serverProcess } from '../server-process.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { type ClusterClient, connectCluster } from './cluster-client.ts';
import { type Credentials, writeCredentials } from './credentials.ts';

/** A cluster of one's own: a kube-apiserver and an etcd, and nothing else. No controller and no kubelet runs. */
export interface Cluster extends ClusterClient {
  readonly apiServer: ServerProcess;
  readonly etcd: ServerProcess;
  readonly authority: Authority;
  /** Starts a TCP proxy in front of the API server. It stops with the cluster. */
  proxied(): Promise<TcpProxy & { readonly kubeconfig: string }>;
  /** Copies etcd's data, as they are at this moment. Returns the folder for `restore`. */
  snapshot(): Promise<string>;
  /** Replaces etcd's data by a snapshot, so that revisions go backwards. Restarts both servers. */
  restore(snapshot: string): Promise<void>;
  /** Ends both servers at once and removes their data. */
  stop(): Promise<void>;
}

const folderPrefix = 'binnacle-cluster-';

/** Starts a cluster and waits until the API server is ready. It needs some 500 MB. */
export async function startCluster(): Promise<Cluster> {
  await removeLeftFolders();
  const dir = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  const credentials = await writeCredentials(join(dir, 'credentials'));
  const programs = dirname(await partProgram('kubernetes'));
  const ports = { etcd: await fixedPort(), peer: await fixedPort(), api: await fixedPort() };
  const client = connectCluster({
    url: `https://127.0.0.1:${ports.api}`,
    ca: credentials.authority.cert,
    adminToken: credentials.adminToken,
    viewerToken: credentials.viewerToken,
    kubeconfigPath: join(dir, 'kubeconfig'),
  });
  await writeFile(client.access.kubeconfigPath, client.kubeconfig(), { mode: 0o600 });
  const etcd = etcdProcess(programs, { dir, ports });
  const apiServer = apiServerProcess(programs, { dir, ports, credentials, client });

  const proxies: TcpProxy[] = [];
  let snapshots = 0;
  const cluster: Cluster = {
    ...client,
    apiServer,
    etcd,
    authority: credentials.authority,
    async proxied() {
      const proxy = await startTcpProxy(ports.api);
      proxies.push(proxy);
      return Object.assign(proxy, { kubeconfig: client.kubeconfig({ url: `https://127.0.0.1:${proxy.port}` }) });
    },
    async snapshot() {
      const copy = join(dir, `snapshot-${++snapshots}`);
      etcd.pause();
      await cp(join(dir, 'etcd'), copy, { recursive: true });
      etcd.resume();
      return copy;
    },
    async restore(snapshot) {
      await apiServer.kill();
      await etcd.kill();
      await rm(join(dir, 'etcd'), { recursive: true });
      await cp(snapshot, join(dir, 'etcd'), { recursive: true });
      await etcd.start();
      await apiServer.start();
    },
    async stop() {
      client.close();
      for (const proxy of proxies) await proxy.stop();
      await Promise.all([apiServer.kill(), etcd.kill()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
  try {
    await etcd.start();
    await apiServer.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

interface Ports {
  readonly etcd: number;
  readonly peer: number;
  readonly api: number;
}

function etcdProcess(programs: string, { dir, ports }: { dir: string; ports: Ports }): ServerProcess {
  const clients = `http://127.0.0.1:${ports.etcd}`;
  const peers = `http://127.0.0.1:${ports.peer}`;
  return serverProcess({
    name: 'etcd',
    command: join(programs, 'etcd'),
    args: [
      '--name=test',
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=test=${peers}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    isReady: async () => (await fetch(`${clients}/health`)).ok,
  });
}

interface ApiServerNeeds {
  readonly dir: string;
  readonly ports: Ports;
  readonly credentials: Credentials;
  readonly client: ClusterClient;
}

function apiServerProcess(programs: string, { dir, ports, credentials, client }: ApiServerNeeds): ServerProcess {
  const file = (name: string) => join(credentials.dir, name);
  return serverProcess({
    name: 'kube-apiserver',
    command: join(programs, 'kube-apiserver'),
    args: [
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${ports.api}`,
      `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
      `--cert-dir=${dir}`,
      `--tls-cert-file=${file('tls.crt')}`,
      `--tls-private-key-file=${file('tls.key')}`,
      `--client-ca-file=${file('ca.crt')}`,
      `--token-auth-file=${file('tokens.csv')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('sa.key')}`,
      `--service-account-signing-key-file=${file('sa.key')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112',
      // Without controllers no namespace gets its default account, and pods would be refused.
      '--disable-admission-plugins=ServiceAccount',
      '--endpoint-reconciler-type=none',
      '--allow-privileged=true',
      '--profiling=false',
      '--shutdown-delay-duration=0s',
      // A minute by default, as long as a watch is open.
      '--shutdown-watch-termination-grace-period=1s',
    ],
    isReady: async () => (await client.send('/readyz')).status === 200,
  });
}

/** Removes the folders of processes that were killed and could not do it. */
async function removeLeftFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(folderPrefix) ? Number(name.slice(folderPrefix.length).split('-')[0]) : 0;
    if (pid > 0 && !isRunning(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
