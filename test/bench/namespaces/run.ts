import { setTimeout as delay } from 'node:timers/promises';
import { startLoadClient } from '../load-client.ts';
import { changedPrefix, routeName } from '../mesh.ts';
import { cpuSeconds, cpuSecondsWhenQuiet, peakBytes } from '../process-figures.ts';
import type { NamespacedServer } from './servers.ts';

export interface ServedFigures {
  /** CPU time until every client has its complete configuration and the process is quiet. */
  readonly servedCpuMs: number;
  readonly servedMs: number;
  readonly servedEventLoopMs: number | null;
  readonly ruleCpuMs: number;
  readonly ruleEventLoopMs: number | null;
  readonly peakBytes: number;
}

export interface Clients {
  readonly clients: number;
  /** Namespaces of the clients, in turn. */
  readonly namespaces: number;
}

/** Number of rule changes before the measured ones: the first ones run cold code. */
const warmingChanges = 3;

/** Connects all clients at once to a fresh server, then repeatedly changes one rule that is visible to all of them. */
export async function runServed(
  server: NamespacedServer,
  { clients, namespaces }: Clients,
  routeChanges: number,
): Promise<ServedFigures> {
  const cpuBefore = await cpuSecondsWhenQuiet(server.pid);
  await server.eventLoopDelayMs(); // resets the measurement
  const load = await startLoadClient({
    ...{ mode: 'delta', xdsPort: server.xdsPort, streams: clients },
    namespaces: { count: namespaces },
  });
  try {
    const servedCpu = (await cpuSecondsWhenQuiet(server.pid)) - cpuBefore;
    const servedEventLoopMs = await server.eventLoopDelayMs();
    let numbers = 0;
    const change = async () => {
      const token = changedPrefix(numbers++);
      await load.change('rds', routeName, token, () => server.changeRoute(token));
    };
    for (let count = 0; count < warmingChanges; count++) await change();
    const ruleBefore = await cpuSecondsWhenQuiet(server.pid);
    await server.eventLoopDelayMs();
    for (let count = 0; count < routeChanges; count++) await change();
    const ruleCpu = (await cpuSecondsWhenQuiet(server.pid)) - ruleBefore;
    return {
      servedCpuMs: servedCpu * 1e3,
      servedMs: load.configuredMs,
      servedEventLoopMs,
      ruleCpuMs: (ruleCpu * 1e3) / routeChanges,
      ruleEventLoopMs: await server.eventLoopDelayMs(),
      peakBytes: peakBytes(server.pid),
    };
  } finally {
    await load.stop();
  }
}

/** Responses shared by streams are cached for ten seconds and do not count for a scope. */
const settleMs = 12_000;

/** Returns the memory in use with one client in each of several namespaces, or with as many clients in one. */
export async function liveBytesWith(server: NamespacedServer, { clients, namespaces }: Clients): Promise<number> {
  const load = await startLoadClient({
    ...{ mode: 'delta', xdsPort: server.xdsPort, streams: clients },
    namespaces: { count: namespaces },
  });
  try {
    await cpuSecondsWhenQuiet(server.pid);
    await delay(settleMs);
    return await server.liveBytes();
  } finally {
    await load.stop();
  }
}

/** Additional cost of a step with more namespaces. */
export interface StepFigures {
  readonly namespaces: number;
  readonly cpuSeconds: number;
  readonly servedMs: number;
  readonly eventLoopMs: number | null;
  readonly peakBytes: number;
}

/** Connects one client in each namespace, all at once, and disconnects them. */
export async function runStep(server: NamespacedServer, namespaces: number): Promise<StepFigures> {
  const cpuBefore = cpuSeconds(server.pid);
  await server.eventLoopDelayMs();
  const load = await startLoadClient({
    ...{ mode: 'delta', xdsPort: server.xdsPort, streams: namespaces },
    namespaces: { count: namespaces },
  });
  try {
    return {
      namespaces,
      cpuSeconds: (await cpuSecondsWhenQuiet(server.pid)) - cpuBefore,
      servedMs: load.configuredMs,
      eventLoopMs: await server.eventLoopDelayMs(),
      peakBytes: peakBytes(server.pid),
    };
  } finally {
    await load.stop();
  }
}
