import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { keepConnection, sendJson } from '../../support/http.ts';
import { routeServed, servicesServed } from '../../support/served.ts';
import {
  type BenchInstance,
  type BenchMesh,
  benchRegistration,
  firstPrefix,
  hostOf,
  instancesOf,
  namespace,
  virtualServiceOf,
} from '../mesh.ts';
import type { BenchServer } from './contract.ts';

/** Long enough for a machine that others use: what is measured is CPU time. */
const readyTimeoutMs = 300_000;

export interface NamespacedInstance extends BenchInstance {
  readonly namespace: string;
}

export interface BinnacleOptions {
  /** A folder that is kept; without it, a temporary one. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts Binnacle from dist/ in a separate process, with a mesh registered over its API and no rules. */
export const startMesh = (mesh: BenchMesh, options: BinnacleOptions = {}): Promise<ControlPlane> =>
  startWithInstances(
    [...instancesOf(mesh)].map((instance) => ({ namespace, ...instance })),
    options,
  );

export async function startWithInstances(
  instances: readonly NamespacedInstance[],
  options: BinnacleOptions = {},
): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ args: ['--log-level', 'warn'], readyTimeoutMs, ...options });
  try {
    await register(controlPlane.httpPort, instances);
    await servicesServed(controlPlane.httpPort, new Set(instances.map(({ host }) => host)).size);
    return controlPlane;
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

/** Starts Binnacle with one VirtualService, which route changes replace. */
export async function startBinnacle(mesh: BenchMesh, options: BinnacleOptions = {}): Promise<BenchServer> {
  const controlPlane = await startMesh(mesh, options);
  const { httpPort, xdsPort, child } = controlPlane;
  const service = Math.floor(mesh.services / 2);
  const rules = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
  try {
    // before saving: the peers load what is served now
    await sendJson(httpPort, 'POST', rules, virtualServiceOf(service, firstPrefix));
    await routeServed(httpPort, firstPrefix);
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  const connection = keepConnection(httpPort);
  return {
    name: 'binnacle',
    pid: child.pid,
    xdsPort,
    changeEndpoint: async (changed, token) => {
      await sendJson(connection, 'PUT', registrationPath(hostOf(changed), 'i-0'), benchRegistration(token));
    },
    changeRoute: async (token) => {
      await sendJson(connection, 'PUT', `${rules}/svc-${service}`, virtualServiceOf(service, token));
    },
    eventLoopDelayMs: () => eventLoopDelayMs(controlPlane),
    stop: () => {
      connection.close();
      return controlPlane.stop();
    },
  };
}

/** Returns the longest blocking of the event loop since the last call; null when unknown. */
export async function eventLoopDelayMs(controlPlane: ControlPlane): Promise<number | null> {
  const seconds = await controlPlane.metric('binnacle_event_loop_delay_max_seconds');
  return seconds === null ? null : seconds * 1000;
}

const registrationPath = (host: string, id: string): string =>
  `/registry/v1/namespaces/${namespace}/services/${host}/instances/${id}`;

/** Registers all instances, a thousand at a time. */
async function register(httpPort: number, instances: readonly NamespacedInstance[]): Promise<void> {
  const all = instances.map(({ address, ...named }) => ({ ...named, ...benchRegistration(address) }));
  for (let from = 0; from < all.length; from += 1_000) {
    await sendJson(httpPort, 'POST', '/registry/v1/batch', { put: all.slice(from, from + 1_000) });
  }
}
