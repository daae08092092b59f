import { chmod, copyFile, link, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Child, tailOf } from '../support/child.ts';
import { cli } from '../support/cli.ts';
import { runtime } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createMeshDir, type MeshDir } from '../support/mesh-dir.ts';
import { partProgram } from '../support/parts.ts';
import type { AgentAnswer, AgentCommand, Seen } from './commands.ts';
import { at, mesh as files } from './mesh.ts';
import { createNetwork, type Namespace, type Network } from './namespaces.ts';

const root = join(import.meta.dirname, '../..');

/** User of an Envoy: the only one whose connections are not captured. */
const sidecarUser = ['--reuid', '1337', '--regid', '1337', '--clear-groups', '--pdeathsig', 'KILL'];
/** Allows sockets that accept connections to other addresses. */
const mayBeTransparent = ['--inh-caps', '+net_admin', '--ambient-caps', '+net_admin'];

/** A machine whose traffic is captured. */
export interface CapturedWorkload {
  readonly namespace: Namespace;
  readonly envoy: Child;
  /** Runs deploy/capture.sh with the workload's options and additional ones. Rejects with its output when it fails. */
  capture(command: 'install' | 'check' | 'remove', ...more: readonly string[]): Promise<string>;
  /** Sends a GET to Envoy's admin interface and returns the text. */
  admin(path: string): Promise<string>;
}

/** A control plane, three captured workloads and a machine outside the mesh, each in a network namespace. */
export interface CapturedMesh {
  readonly hub: Namespace;
  readonly client: CapturedWorkload;
  /** Captured by iptables. */
  readonly one: CapturedWorkload;
  /** Captured by nft, inbound by TPROXY. */
  readonly two: CapturedWorkload;
  readonly files: MeshDir;
  /** Kills the control plane and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCapturedMesh(): Promise<CapturedMesh> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-captured-'));
  const directory = await createMeshDir();
  let network: Network | null = null;
  const stop = async () => {
    await network?.delete();
    await directory.delete();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const [file, objects] of Object.entries(files)) await directory.write(file, ...objects);
    network = await createNetwork(['hub', 'client', 'one', 'two']);
    const [hub, client, one, two] = network.namespaces;
    if (hub === undefined || client === undefined || one === undefined || two === undefined) throw new Error('four');
    for (const outside of [at.known, at.unknown]) await hub.run('ip', 'addr', 'add', `${outside}/32`, 'dev', 'lo');
    const serve = () => startControlPlane(hub, { meshDir: directory.path, dataDir: join(folder, 'data') });
    let controlPlane = await serve();
    const envoy = await readableEnvoy(folder);
    const start = (namespace: Namespace, options: Omit<WorkloadOptions, 'folder' | 'envoy'>) =>
      startWorkload(namespace, { folder, envoy, ...options });
    const workloads = await Promise.all([
      start(client, { name: 'client', backend: 'nft', mode: 'redirect' }),
      start(one, { name: 'one', backend: 'iptables', mode: 'redirect' }),
      start(two, { name: 'two', backend: 'nft', mode: 'tproxy' }),
    ]);
    return {
      ...{ hub, client: workloads[0], one: workloads[1], two: workloads[2], files: directory },
      async restart() {
        await controlPlane.kill();
        controlPlane = await serve();
      },
      stop,
    };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

async function startControlPlane(
  hub: Namespace,
  { meshDir, dataDir }: { readonly meshDir: string; readonly dataDir: string },
): Promise<Child> {
  const { flags, environment } = runtime();
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const program = join(root, 'dist/src/cli/main.js');
  const child = hub.start('control-plane', {}, 'env', [
    ...[...variables, process.execPath, ...flags, program, 'serve', '--mesh-dir', meshDir, '--data-dir', dataDir],
    ...['--http', '127.0.0.1:8080', '--xds', `${at.hub.v4}:15010`],
  ]);
  await isReady(hub, { port: 8080, path: '/readyz', child });
  return child;
}

interface WorkloadOptions {
  readonly name: 'client' | 'one' | 'two';
  readonly backend: 'nft' | 'iptables';
  readonly mode: 'redirect' | 'tproxy';
  readonly folder: string;
  readonly envoy: string;
}

/** Starts the sidecar before loading the rules, as docs/vm.md recommends. */
async function startWorkload(namespace: Namespace, options: WorkloadOptions): Promise<CapturedWorkload> {
  const { name, backend, mode, folder, envoy } = options;
  const { v4, v6 } = at[name];
  const flags = ['--id', name, '--ip', v4, '--ip', v6, '--label', `app=${name}`, '--mode', mode];
  const { out, errors } = await cli(['bootstrap', ...flags, '--xds', `${at.hub.v4}:15010`]);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, out);
  const privileges = mode === 'tproxy' ? [...sidecarUser, ...mayBeTransparent] : sidecarUser;
  const child = namespace.start(`envoy-${name}`, { privileges }, envoy, [
    ...['--config-path', file, '--concurrency', '1', '--disable-hot-restart', '--drain-time-s', '1'],
  ]);
  await isReady(namespace, { port: 15_000, path: '/ready', child });

  const path = `${dirname(await partProgram('packetFilter'))}:${process.env.PATH}`;
  const script = join(root, 'deploy/capture.sh');
  const capture = async (command: string, ...more: readonly string[]) =>
    namespace.run('env', `PATH=${path}`, script, command, '--backend', backend, '--mode', mode, ...more);
  await capture('install');
  return {
    ...{ namespace, envoy: child, capture },
    admin: async (of) =>
      (await namespace.ask({ op: 'http', address: '127.0.0.1', port: 15_000, host: 'admin', path: of })).body ?? '',
  };
}

async function isReady(
  namespace: Namespace,
  { port, path, child }: { readonly port: number; readonly path: string; readonly child: Child },
): Promise<void> {
  const ask: AgentCommand = { op: 'http', address: '127.0.0.1', port, host: 'localhost', path };
  await eventually(async () => !child.running || (await namespace.ask(ask)).status === 200, {
    what: `${path} on ${port} in ${namespace.name}`,
    timeoutMs: 30_000,
  });
  if (!child.running) throw new Error(`it ended:\n${tailOf(child)}`);
}

/** Copies Envoy to a readable folder: only root may be able to enter the cache. */
async function readableEnvoy(folder: string): Promise<string> {
  await chmod(folder, 0o755);
  const program = join(folder, 'envoy');
  const cached = await partProgram('envoy');
  await link(cached, program).catch(() => copyFile(cached, program));
  return program;
}

/** Returns the body of an answer from an agent's HTTP server. Throws with the whole answer when there is none. */
export function seenBy(answer: AgentAnswer): Seen {
  try {
    return JSON.parse(answer.body ?? '');
  } catch (cause) {
    throw new Error(JSON.stringify(answer), { cause });
  }
}
