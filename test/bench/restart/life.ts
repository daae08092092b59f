import { type LoadClient, startLoadClient } from '../load-client.ts';
import { cpuSeconds, cpuSecondsWhenQuiet, peakBytes } from '../process-figures.ts';

/** A server process that was just started and is ready to serve. */
export interface StartedServer {
  readonly pid: number;
  readonly xdsPort: number;
  /** Time from the start of the process until it was ready. */
  readonly readyMs: number;
  eventLoopDelayMs(): Promise<number | null>;
  stop(): Promise<void>;
}

/** Figures of one start and its first clients. CPU is user and system time of the process. */
export interface LifeFigures {
  readonly readyMs: number;
  readonly readyCpuMs: number;
  /** CPU time from ready until the process was quiet again, including its own background work. */
  readonly servedCpuMs: number;
  /** Time from the first connection until the last stream had its complete configuration. */
  readonly servedMs: number;
  /** Streams that ended and were opened again, as sidecars do. */
  readonly retries: number;
  readonly eventLoopMs: number | null;
  readonly peakBytes: number;
}

/** Starts a server, connects `streams` delta streams at once when it is ready, and stops it when it is quiet. */
export async function runLife(start: () => Promise<StartedServer>, streams: number): Promise<LifeFigures> {
  const server = await start();
  let load: LoadClient | null = null;
  try {
    const readyCpu = cpuSeconds(server.pid);
    load = await startLoadClient({ mode: 'delta', xdsPort: server.xdsPort, streams, retry: true });
    const servedCpu = (await cpuSecondsWhenQuiet(server.pid)) - readyCpu;
    return {
      readyMs: server.readyMs,
      readyCpuMs: readyCpu * 1e3,
      servedCpuMs: servedCpu * 1e3,
      servedMs: load.configuredMs,
      retries: await load.retries(),
      eventLoopMs: await server.eventLoopDelayMs(),
      peakBytes: peakBytes(server.pid),
    };
  } finally {
    await load?.stop();
    await server.stop();
  }
}
