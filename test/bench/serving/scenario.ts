import { type LoadClient, type Mode, startLoadClient } from '../load-client.ts';
import { changedAddress, changedPrefix, changedServices, clusterOf, routeName } from '../mesh.ts';
import { cpuSeconds, cpuSecondsWhenQuiet, peakBytes, waitedMs } from '../process-figures.ts';
import { median, quantile } from '../report/quantile.ts';
import type { BenchServer } from '../servers/contract.ts';

export interface Scenario {
  readonly mode: Mode;
  readonly streams: number;
  /** Number of changes, made in sequence. Without route changes, their figures are null. */
  readonly endpointChanges: number;
  readonly routeChanges: number;
}

/** Cost of one kind of change. CPU and bytes are divided by the changes and the streams. */
export interface ChangeFigures {
  readonly cpuUsPerStream: number;
  readonly bytesPerStream: number;
  /** Median time from a change until the last stream has it. */
  readonly lastP50Ms: number;
  readonly lastP99Ms: number;
  /** The median for a server with a single stream. */
  readonly aloneP50Ms: number;
}

/** Results of one server in one scenario. */
export interface ServingFigures {
  /** CPU time for the very first client: here Binnacle compiles its scope, which the others share. */
  readonly firstClientCpuMs: number;
  readonly stormCpuMsPerStream: number;
  readonly stormBytesPerStream: number;
  /** Time from the first connection until the last stream has its complete configuration. */
  readonly stormMs: number;
  /**
   * CPU time of the first endpoint changes after the storm, as many as the measured ones: V8 still compiles code during
   * these.
   */
  readonly firstEndpointCpuUsPerStream: number;
  readonly endpoint: ChangeFigures;
  readonly route: ChangeFigures | null;
  readonly peakBytes: number;
  readonly stormEventLoopMs: number | null;
  readonly eventLoopMs: number | null;
  /** Time that the main thread waited for a processor, from the storm on; null when unknown. */
  readonly waitedMs: number | null;
}

/** Receives the start of each part by its name in the report, for profiles. */
export type OnPart = (part: 'storm' | 'endpoint change' | 'route change' | 'end') => void;

/**
 * Connects one stream to a fresh server and makes changes. Then connects all streams at once, and makes the changes
 * again.
 */
export async function runScenario(
  server: BenchServer,
  scenario: Scenario,
  onPart: OnPart = () => {},
): Promise<ServingFigures> {
  let numbers = 0;
  const next = () => numbers++;
  const first = await withFirstClient(server, next, scenario);
  await server.eventLoopDelayMs(); // resets the measurement before the storm
  const { mode, streams } = scenario;
  const cpuBefore = cpuSeconds(server.pid);
  const waitedBefore = server.name === 'binnacle' ? waitedMs(server.pid) : null; // Go has no main thread
  onPart('storm');
  const load = await startLoadClient({ mode, xdsPort: server.xdsPort, streams });
  try {
    const stormCpu = (await cpuSecondsWhenQuiet(server.pid)) - cpuBefore;
    const stormBytes = await load.receivedBytes();
    const stormEventLoopMs = await server.eventLoopDelayMs();
    const parties = { server, load, next };
    const someEndpoints: Measured = { streams, make: endpointChanges, count: scenario.endpointChanges };
    const firstEndpoint = await measure(parties, someEndpoints);
    onPart('endpoint change');
    const endpoint = await measure(parties, someEndpoints);
    if (scenario.routeChanges > 0) await routeChanges(parties, 2);
    onPart('route change');
    const route = await measure(parties, { streams, make: routeChanges, count: scenario.routeChanges });
    onPart('end');
    return {
      firstClientCpuMs: first.cpuMs,
      stormCpuMsPerStream: (stormCpu * 1e3) / streams,
      stormBytesPerStream: stormBytes / streams,
      stormMs: load.configuredMs,
      firstEndpointCpuUsPerStream: firstEndpoint.cpuUsPerStream,
      endpoint: { ...endpoint, aloneP50Ms: first.endpointP50Ms },
      route: scenario.routeChanges === 0 ? null : { ...route, aloneP50Ms: first.routeP50Ms },
      peakBytes: peakBytes(server.pid),
      stormEventLoopMs,
      eventLoopMs: await server.eventLoopDelayMs(),
      waitedMs: waitedBefore === null ? null : (waitedMs(server.pid) ?? waitedBefore) - waitedBefore,
    };
  } finally {
    await load.stop();
  }
}

const aloneChanges = 10;

/**
 * Connects one client until it has everything, makes some changes, and disconnects it. The CPU time is that of
 * connecting.
 */
async function withFirstClient(
  server: BenchServer,
  next: () => number,
  { mode, endpointChanges: endpoints, routeChanges: routes }: Scenario,
) {
  const cpuBefore = await cpuSecondsWhenQuiet(server.pid);
  const load = await startLoadClient({ mode, xdsPort: server.xdsPort, streams: 1 });
  try {
    const cpuMs = ((await cpuSecondsWhenQuiet(server.pid)) - cpuBefore) * 1e3;
    const parties = { server, load, next };
    await endpointChanges(parties, Math.min(endpoints, 3));
    const endpointP50Ms = median(await endpointChanges(parties, Math.min(endpoints, aloneChanges)));
    const routeP50Ms = median(await routeChanges(parties, Math.min(routes, aloneChanges)));
    return { cpuMs, endpointP50Ms, routeP50Ms };
  } finally {
    await load.stop();
    await cpuSecondsWhenQuiet(server.pid);
  }
}

interface Parties {
  readonly server: BenchServer;
  readonly load: LoadClient;
  /** Returns a new number for each change, so that every change differs from earlier ones. */
  readonly next: () => number;
}

/** Makes `count` changes in sequence. Returns for each the milliseconds until the last stream had it. */
type MakeChanges = (parties: Parties, count: number) => Promise<number[]>;

const endpointChanges: MakeChanges = async ({ server, load, next }, count) => {
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const number = next();
    const service = (number * 37) % changedServices; // spread out
    const token = changedAddress(number);
    took.push(await load.change('eds', clusterOf(service), token, () => server.changeEndpoint(service, token)));
  }
  return took;
};

const routeChanges: MakeChanges = async ({ server, load, next }, count) => {
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const token = changedPrefix(next());
    took.push(await load.change('rds', routeName, token, () => server.changeRoute(token)));
  }
  return took;
};

interface Measured {
  readonly streams: number;
  readonly make: MakeChanges;
  readonly count: number;
}

async function measure(parties: Parties, { streams, make, count }: Measured) {
  const { server, load } = parties;
  const cpuBefore = await cpuSecondsWhenQuiet(server.pid);
  const bytesBefore = await load.receivedBytes();
  const took = await make(parties, count);
  const cpu = (await cpuSecondsWhenQuiet(server.pid)) - cpuBefore;
  const bytes = (await load.receivedBytes()) - bytesBefore;
  return {
    cpuUsPerStream: (cpu * 1e6) / (count * streams),
    bytesPerStream: bytes / (count * streams),
    lastP50Ms: median(took),
    lastP99Ms: quantile(took, 0.99),
  };
}
