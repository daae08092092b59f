import { startChild, tailOf } from '../support/child.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { send, sendJson } from '../support/http.ts';
import { partProgram } from '../support/parts.ts';
import { freePorts } from '../support/ports.ts';
import {
  type BenchMesh,
  clusterOf,
  hostOf,
  instancesOf,
  namespace,
  registrationOf,
  routeName,
  virtualServiceOf,
} from './bench-mesh.ts';

/** A control plane under test. */
export interface BenchServer {
  readonly name: 'binnacle' | 'linear';
  readonly pid: number;
  readonly xdsPort: number;
  /** Gives the first endpoint of a service the address `token`. */
  changeEndpoint(service: number, token: string): Promise<void>;
  /** Puts a route with the path prefix `token` first in one virtual host. */
  changeRoute(token: string): Promise<void>;
  /** The longest time that its event loop stood still since this was asked last, in milliseconds; null when it has none. */
  eventLoopDelayMs(): Promise<number | null>;
  stop(): Promise<void>;
}

const registrationPath = (host: string, id: string): string =>
  `/registry/v1/namespaces/${namespace}/services/${host}/instances/${id}`;

/** Binnacle from dist/, its mesh registered over its own API. */
export async function startBinnacle(mesh: BenchMesh): Promise<BenchServer> {
  const controlPlane = await startControlPlane({ args: ['--log-level', 'warn'] });
  try {
    await register(controlPlane.httpPort, mesh);
    return await withRule(controlPlane, Math.floor(mesh.services / 2));
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

/** The VirtualService that route changes replace is there from the start: both servers are saved and loaded with it. */
async function withRule(controlPlane: ControlPlane, service: number): Promise<BenchServer> {
  const { httpPort, xdsPort, child } = controlPlane;
  const rules = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
  await sendJson(httpPort, 'POST', rules, virtualServiceOf(service, '/bench'));
  return {
    name: 'binnacle',
    pid: child.pid,
    xdsPort,
    changeEndpoint: async (changed, token) => {
      await sendJson(httpPort, 'PUT', registrationPath(hostOf(changed), 'i-0'), registrationOf(token));
    },
    changeRoute: async (token) => {
      await sendJson(httpPort, 'PUT', `${rules}/svc-${service}`, virtualServiceOf(service, token));
    },
    async eventLoopDelayMs() {
      const seconds = await controlPlane.metric('binnacle_event_loop_delay_max_seconds');
      return seconds === null ? null : seconds * 1000;
    },
    stop: () => controlPlane.stop(),
  };
}

/** Registers all instances, a thousand at a time. */
async function register(httpPort: number, mesh: BenchMesh): Promise<void> {
  const all = [...instancesOf(mesh)].map(({ host, id, address }) => ({
    namespace,
    host,
    id,
    ...registrationOf(address),
  }));
  for (let from = 0; from < all.length; from += 1_000) {
    await sendJson(httpPort, 'POST', '/registry/v1/batch', { put: all.slice(from, from + 1_000) });
  }
}

/** go-control-plane's linear cache with the resources that `saved` holds. */
export async function startLinear(saved: string): Promise<BenchServer> {
  const [xdsPort = 0, adminPort = 0] = await freePorts(2);
  const child = startChild({
    name: 'gcpserver',
    command: await partProgram('gcpserver'),
    args: [
      ...['--cache', 'linear', '--load', saved],
      ...['--addr', `127.0.0.1:${xdsPort}`, '--admin', `127.0.0.1:${adminPort}`],
    ],
  });
  const post = async (path: string) => {
    const response = await send(adminPort, { method: 'POST', path });
    if (response.status !== 200) throw new Error(`POST ${path}: ${response.status} ${response.body}`);
  };
  await eventually(async () => (await send(adminPort, { path: '/stats' })).status === 200, {
    what: 'gcpserver',
    timeoutMs: 20_000,
  }).catch((cause: unknown) => {
    throw new Error(`gcpserver did not start:\n${tailOf(child)}`, { cause });
  });
  return {
    name: 'linear',
    pid: child.pid,
    xdsPort,
    changeEndpoint: (service, token) => post(`/eds?name=${encodeURIComponent(clusterOf(service))}&token=${token}`),
    changeRoute: (token) => post(`/route?name=${routeName}&token=${encodeURIComponent(token)}`),
    eventLoopDelayMs: async () => null,
    stop: () => child.stop(),
  };
}
