import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../support/child.ts';
import { runtime } from '../support/control-plane.ts';
import { createMeshDir, type MeshDir } from '../support/mesh-dir.ts';
import type { AgentAnswer, Seen } from './commands.ts';
import { at, mesh as files } from './mesh.ts';
import { createNetwork, type Namespace, type Network } from './namespaces.ts';
import { type CapturedWorkload, isReady, readableEnvoy, startWorkload, type WorkloadOptions } from './workload.ts';

const root = join(import.meta.dirname, '../..');

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
    const start = (
      namespace: Namespace,
      { name, ...options }: Pick<WorkloadOptions, 'backend' | 'mode'> & { readonly name: 'client' | 'one' | 'two' },
    ) =>
      startWorkload(namespace, {
        ...{ folder, envoy, name, xds: `${at.hub.v4}:15010`, ips: [at[name].v4, at[name].v6] },
        ...{ labels: { app: name }, ...options },
      });
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

/** Returns the body of an answer from an agent's HTTP server. Throws with the whole answer when there is none. */
export function seenBy(answer: AgentAnswer): Seen {
  try {
    return JSON.parse(answer.body ?? '');
  } catch (cause) {
    throw new Error(JSON.stringify(answer), { cause });
  }
}
