import { startControlPlane } from '../../support/control-plane.ts';
import { eventLoopDelayMs } from '../servers/binnacle.ts';
import { startPeer } from '../servers/peer.ts';
import type { StartedServer } from './life.ts';

/** Sources of Binnacle's services. Without a data directory, it gets an empty one. */
export interface Source {
  readonly meshDir?: string;
  readonly dataDir?: string;
}

export async function startBinnacleFrom({ meshDir, dataDir }: Source): Promise<StartedServer & { httpPort: number }> {
  const startedAt = performance.now();
  const controlPlane = await startControlPlane({
    args: ['--log-level', 'warn', ...(meshDir === undefined ? [] : ['--mesh-dir', meshDir])],
    ...(dataDir === undefined ? {} : { dataDir }),
    readyTimeoutMs: 300_000,
  });
  return {
    pid: controlPlane.child.pid,
    httpPort: controlPlane.httpPort,
    xdsPort: controlPlane.xdsPort,
    readyMs: performance.now() - startedAt,
    eventLoopDelayMs: () => eventLoopDelayMs(controlPlane),
    stop: controlPlane.stop,
  };
}

export async function startLinear(saved: string): Promise<StartedServer> {
  const startedAt = performance.now();
  const peer = await startPeer('linear', saved);
  return { ...peer, readyMs: performance.now() - startedAt };
}
