import { setTimeout as delay } from 'node:timers/promises';
import { startLoadClient } from '../load-client.ts';
import { changedPrefix, routeName } from '../mesh.ts';
import { cpuSeconds, cpuSecondsWhenQuiet, peakBytes } from '../process-figures.ts';
import type { NamespacedServer } from './servers.ts';

export interface ServedFigures {
  /** Until every client has its full configuration and the process is quiet. */
  readonly servedCpuMs: number;
  readonly servedMs: number;
  readonly servedEventLoopMs: number | null;
  readonly ruleCpuMs: number;
  readonly ruleEventLoopMs: number | null;
  readonly peakBytes: number;
}

export interface Clients {
  readonly clients: number;
  /** The namespaces that they are of, in turn. */
  readonly namespaces: number;
}

/** Rule changes before those that are measured: the first ones run cold code. */
const warmingChanges = 3;

/** Connects all clients at once to a fresh server, and then changes one rule that all of them see, again and again. */
export async function runServed(
  server: NamespacedServer,
  { clients, namespaces }: Clients,
  routeChanges: number,
): Promise<ServedFigures> {
  const cpuBefore = await cpuSecondsWhenQuiet(server.pid);
  await server.eventLoopDelayMs(); // what came before is no part of it
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

/** Responses that streams share are kept for ten seconds; they are no part of a scope. */
const settleMs = 12_000;

/** Memory in use with one client in each of so many namespaces, or with as many clients in one. */
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

/** Figures of a step with more namespaces, on top of those before it. */
export interface StepFigures {
  readonly namespaces: number;
  readonly cpuSeconds: number;
  readonly servedMs: number;
  readonly eventLoopMs: number | null;
  readonly peakBytes: number;
}

/** Connects one client in each of so many namespaces, all at once, and lets them leave. */
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
