import { keepConnection, sendJson } from '../../support/http.ts';
import { freePorts } from '../../support/ports.ts';
import { firstPrefix } from '../mesh.ts';
import { eventLoopDelayMs, startWithInstances } from '../servers/binnacle.ts';
import type { BenchServer } from '../servers/contract.ts';
import { startPeer } from '../servers/peer.ts';
import { liveBytesOf } from './inspector.ts';
import { changingRule, type NamespacedMesh, namespacedInstances } from './mesh.ts';

/** A server under test that reports its memory. */
export interface NamespacedServer extends Pick<BenchServer, 'name' | 'pid' | 'xdsPort' | 'changeRoute' | 'stop'> {
  eventLoopDelayMs(): Promise<number | null>;
  /** Returns the memory in use after a full collection, in bytes. */
  liveBytes(): Promise<number>;
}

/** Starts Binnacle with the mesh and the changing rule. */
export async function startNamespaced(mesh: NamespacedMesh): Promise<NamespacedServer> {
  const [inspectorPort = 0] = await freePorts(1);
  const env = { NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}` };
  const controlPlane = await startWithInstances(namespacedInstances(mesh), { env });
  const rule = changingRule(mesh, firstPrefix);
  const rules = `/apis/networking.istio.io/v1/namespaces/${rule.metadata.namespace}/virtualservices`;
  try {
    await sendJson(controlPlane.httpPort, 'POST', rules, rule);
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  const connection = keepConnection(controlPlane.httpPort);
  return {
    name: 'binnacle',
    pid: controlPlane.child.pid,
    xdsPort: controlPlane.xdsPort,
    changeRoute: async (token) => {
      await sendJson(connection, 'PUT', `${rules}/${rule.metadata.name}`, changingRule(mesh, token));
    },
    eventLoopDelayMs: () => eventLoopDelayMs(controlPlane),
    liveBytes: () => liveBytesOf(inspectorPort),
    stop: () => {
      connection.close();
      return controlPlane.stop();
    },
  };
}

/** Starts a cache of go-control-plane with a folder of resources for each namespace. */
export function startNamespacedPeer(cache: 'linear' | 'snapshot', saved: string): Promise<NamespacedServer> {
  return startPeer(cache, saved, { namespaces: true });
}
