import { startChild, tailOf } from '../../support/child.ts';
import { eventually } from '../../support/eventually.ts';
import { keepConnection, send } from '../../support/http.ts';
import { partProgram } from '../../support/parts.ts';
import { freePorts } from '../../support/ports.ts';
import { clusterOf, routeName } from '../mesh.ts';
import type { BenchServer } from './contract.ts';

export interface Peer extends BenchServer {
  /** Memory in use after a full collection, in bytes. */
  liveBytes(): Promise<number>;
}

export interface PeerOptions {
  /** Whether `saved` has a folder for each namespace, which the nodes of that namespace get. */
  readonly namespaces?: boolean;
}

/** Starts a server of go-control-plane with the resources of the folder `saved`, in one of its two caches. */
export async function startPeer(
  cache: 'linear' | 'snapshot',
  saved: string,
  { namespaces = false }: PeerOptions = {},
): Promise<Peer> {
  const [xdsPort = 0, adminPort = 0] = await freePorts(2);
  const child = startChild({
    name: `gcpserver-${cache}`,
    command: await partProgram('gcpserver'),
    args: [
      ...['--cache', cache, '--load', saved, `--namespaces=${namespaces}`],
      ...['--addr', `127.0.0.1:${xdsPort}`, '--admin', `127.0.0.1:${adminPort}`],
    ],
  });
  const connection = keepConnection(adminPort);
  const post = async (path: string) => {
    const response = await send(connection, { method: 'POST', path, timeoutMs: 60_000 });
    if (response.status !== 200) throw new Error(`POST ${path}: ${response.status} ${response.body}`);
  };
  await eventually(async () => (await send(adminPort, { path: '/stats' })).status === 200, {
    what: 'gcpserver',
    timeoutMs: 20_000,
  }).catch(async (cause: unknown) => {
    await child.kill();
    throw new Error(`gcpserver did not start:\n${tailOf(child)}`, { cause });
  });
  return {
    name: cache,
    pid: child.pid,
    xdsPort,
    changeEndpoint: (service, token) => post(`/eds?name=${encodeURIComponent(clusterOf(service))}&token=${token}`),
    changeRoute: (token) => post(`/route?name=${routeName}&token=${encodeURIComponent(token)}`),
    eventLoopDelayMs: async () => null,
    liveBytes: async () => Number((await send(connection, { path: '/memory', timeoutMs: 60_000 })).body),
    stop: () => {
      connection.close();
      return child.stop();
    },
  };
}
