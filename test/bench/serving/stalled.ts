import { setTimeout as delay } from 'node:timers/promises';
import { startLoadClient } from '../load-client.ts';
import { clusterOf } from '../mesh.ts';
import { cpuSecondsWhenQuiet, residentBytes, watchMemory } from '../process-figures.ts';
import type { BenchServer } from '../servers/contract.ts';

export interface StalledOptions {
  readonly streams: number;
  readonly services: number;
  /** Number of endpoint changes, spread over the whole time and over all services. */
  readonly changes: number;
  readonly stalledMs: number;
}

export interface StalledFigures {
  /** Peak memory while no client read, above the level before. */
  readonly stalledBytes: number;
  /** Peak memory afterwards, until every client had caught up. */
  readonly catchUpBytes: number;
  /** Time from the first byte read again until the last client has the last change. */
  readonly catchUpMs: number;
  /** Number of streams that ended meanwhile and were reopened. */
  readonly retries: number;
  readonly eventLoopMs: number | null;
}

/** Runs clients that stop reading from their sockets while the mesh changes, and then continue. */
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
