import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import type { ServerOptions } from 'node:http2';
import { join } from 'node:path';
import { typeUrls } from '../../../src/proto/resource.ts';
import { defaultLimits } from '../../../src/rpc/limits.ts';
import { startChild, tailOf } from '../../support/child.ts';
import { runtime } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { keepConnection, send } from '../../support/http.ts';
import type { MeshType } from '../../support/mesh-types.ts';
import { freePorts } from '../../support/ports.ts';
import type { Mode } from '../load-client.ts';
import { type BareMessages, bareMessages, type Replaceable } from './bare-messages.ts';
import type { BenchServer } from './contract.ts';

/** Input of bare-program.mjs, as JSON in its only argument. */
export interface BareTask {
  /** Contains a file for each type's answer, and `endpoint-changes` and `route-changes` with concatenated messages. */
  readonly folder: string;
  readonly typeUrls: Readonly<Record<MeshType, string>>;
  readonly xdsPort: number;
  readonly controlPort: number;
  readonly server: ServerOptions;
  readonly connectionWindowBytes: number;
}

/** Starts a node:http2 server without logic. It serves the resources of the folder `saved`, in messages of one mode. */
export async function startBare(saved: string, mode: Mode): Promise<BenchServer> {
  const folder = await mkdtemp(join(saved, 'bare-'));
  const messages = bareMessages(
    {
      cluster: await readFile(join(saved, 'cds.pb')),
      endpoint: await readFile(join(saved, 'eds.pb')),
      listener: await readFile(join(saved, 'lds.pb')),
      route: await readFile(join(saved, 'rds.pb')),
    },
    mode,
  );
  await write(messages, folder);
  const [xdsPort = 0, controlPort = 0] = await freePorts(2);
  const { cluster, endpoint, listener, route } = typeUrls;
  const task: BareTask = {
    folder,
    typeUrls: { cluster, endpoint, listener, route },
    xdsPort,
    controlPort,
    ...http2Options,
  };
  const program = join(import.meta.dirname, 'bare-program.mjs');
  const { flags, environment } = runtime();
  const child = startChild({
    name: 'bare',
    command: process.execPath,
    args: [...flags, program, JSON.stringify(task)],
    env: environment,
  });
  await eventually(async () => !child.running || (await send(controlPort, { path: '/ready' })).status === 200, {
    what: 'the bare server',
  }).catch(() => child.kill());
  if (!child.running) throw new Error(`the bare server did not start:\n${tailOf(child)}`);

  const connection = keepConnection(controlPort);
  const change = async (type: MeshType, message: number, { at }: Replaceable, token: string) => {
    const query = new URLSearchParams({ type, message: `${message}`, at: `${at}`, token });
    const { status } = await send(connection, { method: 'POST', path: `/change?${query}` });
    if (status !== 200) throw new Error(`the bare server answered ${status} to a change: ${query}`);
  };
  return {
    name: 'bare',
    pid: child.pid,
    xdsPort,
    async changeEndpoint(service, token) {
      const prepared = messages.endpointChanges[service];
      if (prepared === undefined) throw new Error(`the bare server has no change of service ${service}`);
      await change('endpoint', service, prepared, token);
    },
    changeRoute: (token) => change('route', 0, messages.routeChange, token),
    eventLoopDelayMs: async () => null,
    stop: () => {
      connection.close();
      return child.stop();
    },
  };
}

async function write({ answers, endpointChanges, routeChange }: BareMessages, folder: string): Promise<void> {
  const files = {
    ...answers,
    'endpoint-changes': Buffer.concat(endpointChanges.map(({ message }) => message)),
    'route-changes': routeChange.message,
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
}

/** The options of Binnacle's server (src/rpc/server.ts, src/rpc/listener.ts). */
const http2Options = {
  server: {
    noDelay: true,
    maxSessionMemory: Math.ceil(defaultLimits.maxSessionMemoryBytes / 1_000_000),
    settings: {
      enablePush: false,
      initialWindowSize: defaultLimits.streamWindowBytes,
      maxConcurrentStreams: defaultLimits.maxConcurrentStreams,
      maxHeaderListSize: defaultLimits.maxHeaderListBytes,
    },
  },
  connectionWindowBytes: defaultLimits.connectionWindowBytes,
};
