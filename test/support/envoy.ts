import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild, tailOf } from './child.ts';
import { eventually } from './eventually.ts';
import { get } from './http.ts';
import { partProgram } from './parts.ts';

export interface EnvoyOptions {
  /** See `sidecarBootstrap`. Its admin address must have port 0. */
  readonly bootstrap: object;
  readonly name?: string;
  /** Time limit until it serves its first configuration. */
  readonly readyTimeoutMs?: number;
  /** `false`: returns when the admin interface answers, for tests without a configuration. */
  readonly waitReady?: boolean;
  /** `info`, or such as `warning,config:debug`. */
  readonly logLevel?: string;
}

/** A running Envoy. */
export interface Envoy {
  readonly adminPort: number;
  readonly child: Child;
  /** Returns counters and gauges by name. `filter` is a regular expression for the names. */
  stats(filter?: string): Promise<ReadonlyMap<string, number>>;
  /** Returns `/config_dump` with endpoints, parsed. */
  configDump(): Promise<ConfigDump>;
  /** Returns the bound port of each active listener by name. */
  listeners(): Promise<ReadonlyMap<string, number>>;
  /** Sends a GET to the admin interface and returns the text. */
  admin(path: string): Promise<string>;
  /** Resolves once `/ready` says LIVE. */
  ready(timeoutMs?: number): Promise<void>;
  /** Sends SIGTERM to its process id. Its log stays at `child.logFile`. */
  stop(): Promise<void>;
}

export interface ConfigDump {
  readonly configs: readonly ({ readonly '@type': string } & Readonly<Record<string, unknown>>)[];
}

/** Starts a real Envoy with one worker thread. Several may run side by side. */
export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const { bootstrap, name = 'envoy', readyTimeoutMs = 60_000, waitReady = true, logLevel = 'info' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-envoy-'));
  const bootstrapFile = join(folder, 'bootstrap.json');
  const addressFile = join(folder, 'admin-address');
  await writeFile(bootstrapFile, JSON.stringify(bootstrap));
  const child = startChild({
    name,
    command: await partProgram('envoy'),
    args: [
      ...['--config-path', bootstrapFile, '--admin-address-path', addressFile],
      ...['--concurrency', '1', '--use-dynamic-base-id', '--drain-time-s', '1', ...levelFlags(logLevel)],
    ],
  });
  child.exited.finally(() => rm(folder, { recursive: true, force: true })).catch(() => {});
  const adminPort = await adminPortOf(child, addressFile);
  const envoy = admin(child, adminPort);
  if (waitReady) {
    await envoy.ready(readyTimeoutMs).catch(async (cause: unknown) => {
      await child.kill();
      throw new Error(`${name} did not become ready:\n${tailOf(child)}`, { cause });
    });
  }
  return envoy;
}

/** Converts `warning,config:debug` into the level for all and the levels of single components. */
function levelFlags(level: string): string[] {
  const [general = 'info', ...components] = level.split(',');
  return ['--log-level', general, ...(components.length === 0 ? [] : ['--component-log-level', components.join(',')])];
}

async function adminPortOf(child: Child, addressFile: string): Promise<number> {
  const port = await eventually(
    async () => {
      if (!child.running) return 'ended';
      // the file exists before its contents: an empty one means "not yet"
      return /:(\d+)$/.exec((await readFile(addressFile, 'utf8')).trim())?.[1];
    },
    { what: 'the admin address of Envoy' },
  );
  if (port === 'ended') throw new Error(`Envoy did not start:\n${tailOf(child)}`);
  return Number(port);
}

function admin(child: Child, adminPort: number): Envoy {
  const text = async (path: string) => (await get(adminPort, { path })).body;
  return {
    adminPort,
    child,
    admin: text,
    async stats(filter = '') {
      const suffix = filter === '' ? '' : `&filter=${encodeURIComponent(filter)}`;
      // histograms have no `value`
      const { stats } = JSON.parse(await text(`/stats?format=json${suffix}`)) as {
        stats: { name?: string; value?: number }[];
      };
      return new Map(stats.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value ?? 0]])));
    },
    configDump: async () => JSON.parse(await text('/config_dump?include_eds')) as ConfigDump,
    async listeners() {
      // Envoy's admin.v3.Listeners
      const { listener_statuses = [] } = JSON.parse(await text('/listeners?format=json')) as {
        listener_statuses?: { name: string; local_address?: { socket_address?: { port_value?: number } } }[];
      };
      return new Map(
        listener_statuses.map(({ name, local_address }) => [name, local_address?.socket_address?.port_value ?? 0]),
      );
    },
    async ready(timeoutMs = 60_000) {
      await eventually(async () => !child.running || (await get(adminPort, { path: '/ready' })).status === 200, {
        what: 'Envoy ready',
        timeoutMs,
      });
      if (!child.running) throw new Error(`Envoy ended with ${await child.exited}`);
    },
    stop: () => child.stop(),
  };
}
