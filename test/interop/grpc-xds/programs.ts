import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, startChild } from '../../support/child.ts';
import { partProgram } from '../../support/parts.ts';

const execute = promisify(execFile);

/** The implementations of gRPC with built-in xDS. */
export type GrpcKind = 'grpc-js' | 'grpcio' | 'grpc-go';

export interface XdsProgram {
  readonly child: Child;
  stop(): Promise<void>;
}

export interface XdsProgramOptions {
  readonly role: 'client' | 'server';
  readonly xdsPort: number;
  /** Files, if the port uses TLS. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly args?: readonly string[];
}

/**
 * Starts a program of this folder in the namespace `shop`, with the configuration that `binnacle bootstrap --kind grpc`
 * prints.
 */
export async function startProgram(
  kind: GrpcKind,
  { role, args = [], ...server }: XdsProgramOptions,
): Promise<XdsProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-grpc-'));
  const file = join(folder, 'bootstrap.json');
  await writeFile(file, await bootstrap(kind, server));
  const { command, env, args: first } = await programOf(kind, role);
  const child = startChild({
    name: `${kind}-${role}`,
    command,
    args: [...first, ...args],
    env: { ...env, GRPC_XDS_BOOTSTRAP: file },
  });
  return {
    child,
    async stop() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function bootstrap(
  kind: GrpcKind,
  { xdsPort, tls }: Pick<XdsProgramOptions, 'xdsPort' | 'tls'>,
): Promise<string> {
  const program = join(import.meta.dirname, '../../../dist/src/cli/main.js');
  const flags = ['--kind', 'grpc', '--namespace', 'shop', '--id', kind, '--xds', `127.0.0.1:${xdsPort}`];
  const secured = tls === undefined ? [] : ['--tls', '--ca', tls.ca, '--cert', tls.cert, '--key', tls.key];
  return (await execute(process.execPath, [program, 'bootstrap', ...flags, ...secured])).stdout;
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function programOf(kind: GrpcKind, role: XdsProgramOptions['role']): Promise<Program> {
  const script = (ending: string) => join(import.meta.dirname, `${role}.${ending}`);
  switch (kind) {
    case 'grpc-js':
      return { command: process.execPath, args: [script('mjs')], env: {} };
    case 'grpcio': {
      const packages = dirname(dirname(await partProgram('grpcio')));
      return { command: 'python3', args: [script('py')], env: { PYTHONPATH: packages } };
    }
    case 'grpc-go':
      return { command: await partProgram('xdsclient'), args: [], env: {} }; // with arguments it is a server
  }
}
