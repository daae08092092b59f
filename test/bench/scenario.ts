import { clusterOf, routeName } from './bench-mesh.ts';
import type { BenchServer } from './bench-servers.ts';
import { type LoadClient, type Mode, startLoadClient } from './load-client.ts';
import { cpuSeconds, cpuSecondsWhenQuiet, peakBytes } from './process-figures.ts';

export interface Scenario {
  readonly mode: Mode;
  readonly streams: number;
  /** How many endpoint changes and how many route changes are made, one after the other. */
  readonly changes: number;
}

/** What one server did in one scenario. "Per stream" is divided by the number of streams, "per change" by that of changes. */
export interface Figures {
  /** The first client of all: here Binnacle compiles its scope, which the others share. */
  readonly firstClientCpuMs: number;
  readonly stormCpuMsPerStream: number;
  /** From the first connection until the last stream had its full configuration. */
  readonly stormMs: number;
  readonly endpointCpuUsPerStream: number;
  readonly endpointBytesPerStream: number;
  /** From the change until the last stream had it: median of all changes. */
  readonly endpointLastMs: number;
  readonly routeCpuUsPerStream: number;
  readonly routeLastMs: number;
  readonly peakBytes: number;
  readonly stormEventLoopMs: number | null;
  readonly eventLoopMs: number | null;
}

/** Connects one stream to a fresh server, then all at once, then makes the changes. */
export async function runScenario(server: BenchServer, scenario: Scenario): Promise<Figures> {
  const firstClientCpuMs = await connectFirst(server, scenario.mode);
  await server.eventLoopDelayMs(); // what came before is no part of the storm
  const cpuBefore = cpuSeconds(server.pid);
  const load = await startLoadClient({ mode: scenario.mode, xdsPort: server.xdsPort, streams: scenario.streams });
  try {
    const stormCpu = (await cpuSecondsWhenQuiet(server.pid)) - cpuBefore;
    const stormEventLoopMs = await server.eventLoopDelayMs();
    await endpointChanges(server, load, 3, 0); // the first changes after a storm warm code and caches up
    const endpoint = await measure(server, load, scenario, endpointChanges);
    await routeChanges(server, load, 2, 0);
    const route = await measure(server, load, scenario, routeChanges);
    return {
      firstClientCpuMs,
      stormCpuMsPerStream: (stormCpu * 1e3) / scenario.streams,
      stormMs: load.configuredMs,
      endpointCpuUsPerStream: endpoint.cpuUsPerStream,
      endpointBytesPerStream: endpoint.bytesPerStream,
      endpointLastMs: endpoint.lastMs,
      routeCpuUsPerStream: route.cpuUsPerStream,
      routeLastMs: route.lastMs,
      peakBytes: peakBytes(server.pid),
      stormEventLoopMs,
      eventLoopMs: await server.eventLoopDelayMs(),
    };
  } finally {
    await load.stop();
  }
}

/** One client connects, gets everything and leaves. Answers with the server's CPU time in milliseconds. */
async function connectFirst(server: BenchServer, mode: Mode): Promise<number> {
  const cpuBefore = await cpuSecondsWhenQuiet(server.pid);
  const load = await startLoadClient({ mode, xdsPort: server.xdsPort, streams: 1 });
  await load.stop();
  return ((await cpuSecondsWhenQuiet(server.pid)) - cpuBefore) * 1e3;
}

/** Makes `count` changes one by one and says how long each took to reach the last stream, in milliseconds. */
type MakeChanges = (server: BenchServer, load: LoadClient, count: number, from: number) => Promise<number[]>;

const endpointChanges: MakeChanges = async (server, load, count, from) => {
  const took: number[] = [];
  for (let i = from; i < from + count; i++) {
    const service = (i * 37) % 100; // spread out; every mesh has a hundred services
    const token = `10.250.1.${i + 1}`;
    took.push(await load.change('eds', clusterOf(service), token, () => server.changeEndpoint(service, token)));
  }
  return took;
};

const routeChanges: MakeChanges = async (server, load, count, from) => {
  const took: number[] = [];
  for (let i = from; i < from + count; i++) {
    const token = `/bench-${i}/`;
    took.push(await load.change('rds', routeName, token, () => server.changeRoute(token)));
  }
  return took;
};

async function measure(server: BenchServer, load: LoadClient, { streams, changes }: Scenario, make: MakeChanges) {
  const cpuBefore = await cpuSecondsWhenQuiet(server.pid);
  const bytesBefore = await load.receivedBytes();
  const took = await make(server, load, changes, 10);
  const cpu = (await cpuSecondsWhenQuiet(server.pid)) - cpuBefore;
  const bytes = (await load.receivedBytes()) - bytesBefore;
  return {
    cpuUsPerStream: (cpu * 1e6) / (changes * streams),
    bytesPerStream: bytes / (changes * streams),
    lastMs: took.sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? Number.NaN,
  };
}
