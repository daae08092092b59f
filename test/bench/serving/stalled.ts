import { setTimeout as delay } from 'node:timers/promises';
import { startLoadClient } from '../load-client.ts';
import { clusterOf } from '../mesh.ts';
import { cpuSecondsWhenQuiet, residentBytes, watchMemory } from '../process-figures.ts';
import type { BenchServer } from '../servers/contract.ts';

export interface StalledOptions {
  readonly streams: number;
  readonly services: number;
  /** Endpoint changes, spread over the whole time and over all services. */
  readonly changes: number;
  readonly stalledMs: number;
}

export interface StalledFigures {
  /** The most memory while nobody read, above that of before. */
  readonly stalledBytes: number;
  /** The same from then on until everybody had caught up. */
  readonly catchUpBytes: number;
  /** From the first byte that is read again until the last client has the last change. */
  readonly catchUpMs: number;
  /** Streams that were ended meanwhile and opened again. */
  readonly retries: number;
  readonly eventLoopMs: number | null;
}

/** Clients that stop reading from their sockets while the mesh changes, and then go on. */
export async function runStalled(server: BenchServer, options: StalledOptions): Promise<StalledFigures> {
  const { streams, services, changes, stalledMs } = options;
  const load = await startLoadClient({ mode: 'delta', xdsPort: server.xdsPort, streams, perSecond: 200, retry: true });
  try {
    await cpuSecondsWhenQuiet(server.pid);
    await server.eventLoopDelayMs();
    const before = residentBytes(server.pid);
    const stalled = watchMemory(server.pid);
    await load.pause();
    const startedAt = performance.now();
    for (let change = 0; change < changes; change++) {
      await server.changeEndpoint(change % services, tokenOf(change));
      const dueAt = startedAt + ((change + 1) * stalledMs) / changes;
      await delay(Math.max(0, dueAt - performance.now()));
    }
    const stalledBytes = stalled() - before;

    const catchingUp = watchMemory(server.pid);
    const last = (changes - 1) % services;
    const catchUpMs = await load.change('eds', clusterOf(last), tokenOf(changes - 1), () => load.resume());
    await cpuSecondsWhenQuiet(server.pid);
    return {
      stalledBytes,
      catchUpBytes: catchingUp() - before,
      catchUpMs,
      retries: await load.retries(),
      eventLoopMs: await server.eventLoopDelayMs(),
    };
  } finally {
    await load.stop();
  }
}

const tokenOf = (change: number): string => `10.249.${Math.floor(change / 250)}.${(change % 250) + 1}`;
