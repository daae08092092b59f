import { chmod, copyFile, link, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Child, tailOf } from '../support/child.ts';
import { cli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { partProgram } from '../support/parts.ts';
import type { AgentCommand } from './commands.ts';
import type { Namespace } from './namespaces.ts';

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

export interface WorkloadOptions {
  /** Id of its node, and name of its log. */
  readonly name: string;
  readonly namespace?: string;
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Address of the control plane. */
  readonly xds: string;
  readonly backend: 'nft' | 'iptables';
  readonly mode: 'redirect' | 'tproxy';
  /** Folder of its files, which every user can read. */
  readonly folder: string;
  /** Path of Envoy, which every user can execute. */
  readonly envoy: string;
}

/** Starts the sidecar before loading the rules, as docs/vm.md recommends. */
export async function startWorkload(namespace: Namespace, options: WorkloadOptions): Promise<CapturedWorkload> {
  const { name, backend, mode, folder, envoy } = options;
  const flags = [
    ...['--id', name, '--namespace', options.namespace ?? 'default', '--mode', mode, '--xds', options.xds],
    ...options.ips.flatMap((address) => ['--ip', address]),
    ...Object.entries(options.labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
  ];
  const { out, errors } = await cli(['bootstrap', ...flags]);
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

export async function isReady(
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
export async function readableEnvoy(folder: string): Promise<string> {
  await chmod(folder, 0o755);
  const program = join(folder, 'envoy');
  const cached = await partProgram('envoy');
  await link(cached, program).catch(() => copyFile(cached, program));
  return program;
}
