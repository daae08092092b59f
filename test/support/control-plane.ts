import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild, tailOf } from './child.ts';
import { eventually } from './eventually.ts';
import { get } from './http.ts';
import { freePorts } from './ports.ts';

const root = join(import.meta.dirname, '../..');

export interface ControlPlaneOptions {
  /** Further arguments of `binnacle serve`, such as `--mesh-dir`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The contents of a binnacle.yaml. */
  readonly config?: object;
  /** The CA of its certificate, when `config` has HTTP over TLS. */
  readonly tlsCa?: string;
  /** HTTP listen address; 127.0.0.1 if left out. */
  readonly httpHost?: string;
  /**
   * Tests that restart pass the port and the directory again. Otherwise the port is free, and the directory is removed
   * at the end.
   */
  readonly httpPort?: number;
  readonly xdsPort?: number;
  readonly dataDir?: string;
  readonly readyTimeoutMs?: number;
  /**
   * Words before the command, such as those of `readOnlyMount`. Their program must exec the command, so that both are
   * one process.
   */
  readonly through?: readonly string[];
  /** `false`: returns once the process runs, for tests of a start that fails or waits. */
  readonly waitReady?: boolean;
}

/** A control plane in a separate process, run from dist/ (`npm run build`). */
export interface ControlPlane {
  readonly httpPort: number;
  readonly xdsPort: number;
  readonly dataDir: string;
  readonly child: Child;
  /** Returns the value of a metric without labels, or with exactly these: `binnacle_clients{mode="delta"}`. */
  metric(name: string): Promise<number | null>;
  /** Resolves once `/readyz` answers 200. */
  ready(timeoutMs?: number): Promise<void>;
  /** Sends SIGTERM and waits for the exit. */
  stop(): Promise<void>;
  /** Sends SIGKILL, like a crash. */
  kill(): Promise<void>;
}

/** Starts `binnacle serve` on free ports of 127.0.0.1 and waits until it is ready. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const program = join(root, 'dist/src/cli/main.js');
  if (!existsSync(program)) throw new Error(`${program} is missing: run "npm run build" first`);
  const [freeHttp, freeXds] = await freePorts(2);
  const { httpPort = freeHttp ?? 0, xdsPort = freeXds ?? 0, readyTimeoutMs = 60_000, waitReady = true } = options;
  const { tlsCa = null, httpHost = '127.0.0.1' } = options;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'binnacle-data-')));
  const configFile = join(dataDir, 'binnacle.yaml');
  if (options.config !== undefined) await writeFile(configFile, JSON.stringify(options.config));
  const [command = process.execPath, ...before] = [...(options.through ?? []), process.execPath];
  const { flags, environment } = runtime();
  const child = startChild({
    name: 'control-plane',
    command,
    args: [
      ...[...before, ...flags, program, 'serve'],
      ...['--http', `${httpHost}:${httpPort}`, '--xds', `127.0.0.1:${xdsPort}`],
      ...['--data-dir', dataDir, ...(options.args ?? [])],
      ...(options.config === undefined ? [] : ['--config', configFile]),
    ],
    env: { ...environment, ...options.env },
  });
  const end = async (finish: () => Promise<void>) => {
    await finish();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  const controlPlane: ControlPlane = {
    httpPort,
    xdsPort,
    dataDir,
    child,
    metric: async (name) => metricIn((await get(httpPort, { path: '/metrics' })).body, name),
    ready: (timeoutMs = 60_000) => whenReady(child, { httpPort, tlsCa }, timeoutMs),
    stop: () => end(() => child.stop()),
    kill: () => child.kill(),
  };
  if (waitReady) {
    await controlPlane.ready(readyTimeoutMs).catch(async (cause: unknown) => {
      await end(() => child.kill());
      throw new Error(`the control plane did not become ready:\n${tailOf(child)}`, { cause });
    });
  }
  return controlPlane;
}

export interface Runtime {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The launcher's settings for a server process. Tests start the process itself, without the launcher. */
export const runtime = (): Runtime => JSON.parse(readFileSync(join(root, 'bin/runtime.json'), 'utf8'));

async function whenReady(
  child: Child,
  { httpPort, tlsCa }: { readonly httpPort: number; readonly tlsCa: string | null },
  timeoutMs: number,
): Promise<void> {
  const outcome = await eventually(
    async () => {
      if (!child.running) return 'ended';
      return (await get(httpPort, { path: '/readyz', timeoutMs: 1_000, tlsCa })).status === 200 ? 'ready' : null;
    },
    { what: '/readyz', timeoutMs },
  );
  if (outcome === 'ended') throw new Error(`it ended with ${await child.exited}`);
}

/** Finds one sample in Prometheus' text format. */
function metricIn(text: string, name: string): number | null {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}
