import { setTimeout as delay } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { get } from '../../support/http.ts';
import { type Cluster, startCluster } from '../../support/kubernetes/cluster.ts';
import type { KubernetesPlan } from '../flags.ts';
import { type LoadClient, startLoadClient } from '../load-client.ts';
import { cpuSeconds, peakBytes, residentBytes, waitedMs } from '../process-figures.ts';
import { quantile } from '../report/quantile.ts';
import type { ReportRow } from '../report/row.ts';
import type { Section } from '../report/table.ts';
import { eventLoopDelayMs } from '../servers/binnacle.ts';
import { addressOf, clusterNameOf, moveEndpoint, nameOf, writeMesh } from './objects.ts';

/** Long enough for a machine that others use. */
const patienceMs = 300_000;

/** Follows a real API server: the first list, single changes, and many changes a second. */
export async function kubernetesSection(plan: KubernetesPlan, progress: (text: string) => void): Promise<Section> {
  const { mesh, streams, storm } = plan;
  progress('kubernetes: an API server and its objects');
  const cluster = await startCluster();
  try {
    await writeMesh(cluster, mesh);
    progress('kubernetes: the first list');
    const { controlPlane, rows } = await firstList(cluster);
    try {
      const load = await startLoadClient({ mode: 'delta', xdsPort: controlPlane.xdsPort, streams });
      progress('kubernetes: single changes');
      rows.push(...(await singleChanges({ cluster, controlPlane, load, plan })));
      progress(`kubernetes: ${storm.perSecond} changes a second`);
      rows.push(...(await changeStorm({ cluster, controlPlane, load, plan })));
      await load.stop();
    } finally {
      await controlPlane.stop();
    }
    return { title: 'A cluster, with its API server', rows, notes: notes(plan) };
  } finally {
    await cluster.stop();
  }
}

const row = (scenario: string, measure: string, binnacle: number | null): ReportRow => ({
  scenario,
  measure,
  binnacle,
});

async function firstList(cluster: Cluster) {
  const startedAt = performance.now();
  const controlPlane = await startControlPlane({
    args: ['--log-level', 'warn'],
    config: { adapters: [{ type: 'kubernetes', kubeconfig: cluster.access.kubeconfigPath }] },
    readyTimeoutMs: patienceMs,
  });
  const readyMs = performance.now() - startedAt;
  const { pid } = controlPlane.child;
  const scenario = 'first list';
  const rows = [
    row(scenario, 'process start until ready, ms', readyMs),
    row(scenario, 'waited for a processor, ms', waitedMs(pid)),
    row(scenario, 'CPU ms', cpuSeconds(pid) * 1_000),
    row(scenario, 'peak memory, MB', peakBytes(pid) / 1e6),
    row(scenario, 'services', (await controlPlane.metric('binnacle_adapter_services{adapter="kubernetes"}')) ?? null),
  ];
  return { controlPlane, rows };
}

interface Running {
  readonly cluster: Cluster;
  readonly controlPlane: ControlPlane;
  readonly load: LoadClient;
  readonly plan: KubernetesPlan;
}

async function singleChanges({ cluster, load, plan }: Running): Promise<readonly ReportRow[]> {
  const { mesh, changes, streams } = plan;
  const times: number[] = [];
  for (let change = 0; change < changes; change++) {
    const service = (change * 7) % mesh.services;
    const address = addressOf(200, change);
    times.push(
      await load.change('eds', clusterNameOf(service), address, () =>
        moveEndpoint(cluster, mesh, { service, address }),
      ),
    );
  }
  const scenario = `EndpointSlice written until the last of ${streams} streams`;
  return [row(scenario, 'p50, ms', quantile(times, 0.5)), row(scenario, 'p99, ms', quantile(times, 0.99))];
}

/** Writes at a fixed rate, then waits until the last address of each service is there. */
async function changeStorm({ cluster, controlPlane, load, plan }: Running): Promise<readonly ReportRow[]> {
  const { mesh, storm } = plan;
  const { pid } = controlPlane.child;
  const total = storm.perSecond * storm.seconds;
  const wanted = new Map<string, string>();
  const writes: Promise<void>[] = [];
  const cpuBefore = cpuSeconds(pid);
  await eventLoopDelayMs(controlPlane);
  const waitedBefore = waitedMs(pid);
  const startedAt = performance.now();
  for (let written = 0; written < total; written++) {
    const dueMs = (written / storm.perSecond) * 1_000 - (performance.now() - startedAt);
    if (dueMs > 1) await delay(dueMs);
    const service = written % mesh.services;
    const address = addressOf(201 + Math.floor(written / 65_536), written);
    wanted.set(nameOf(service), address);
    writes.push(moveEndpoint(cluster, mesh, { service, address }));
  }
  await Promise.all(writes);
  const writtenMs = performance.now() - startedAt;
  await eventually(async () => haveAll(await endpointsServed(controlPlane), wanted), {
    what: 'the last address of each service',
    everyMs: 200,
    timeoutMs: patienceMs,
  });
  const arrivedMs = performance.now() - startedAt - writtenMs;
  const address = addressOf(255, 1);
  const markerMs = await load.change('eds', clusterNameOf(0), address, () =>
    moveEndpoint(cluster, mesh, { service: 0, address }),
  );
  const scenario = `${total} EndpointSlices at ${storm.perSecond} a second`;
  return [
    row(scenario, 'written a second', total / (writtenMs / 1_000)),
    row(scenario, 'last write answered until all are there, ms', arrivedMs),
    row(scenario, 'the next change until the last stream, ms', markerMs),
    row(scenario, 'CPU ms a change', ((cpuSeconds(pid) - cpuBefore) * 1_000) / total),
    row(scenario, 'event loop, ms', await eventLoopDelayMs(controlPlane)),
    row(scenario, 'waited for a processor, ms', (waitedMs(pid) ?? 0) - (waitedBefore ?? 0)),
    row(scenario, 'memory afterwards, MB', residentBytes(pid) / 1e6),
  ];
}

/** Returns the addresses of each service by its name. */
async function endpointsServed({ httpPort }: ControlPlane): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { body } = await get(httpPort, { path: '/debug/endpointz' });
  // The view's own form.
  const shards = JSON.parse(body) as { set: { hostname: string; endpoints: { address: string }[] } }[];
  return new Map(
    shards.map(({ set }) => [
      set.hostname.split('.')[0] ?? '',
      new Set(set.endpoints.map((endpoint) => endpoint.address)),
    ]),
  );
}

const haveAll = (served: ReadonlyMap<string, ReadonlySet<string>>, wanted: ReadonlyMap<string, string>): boolean =>
  [...wanted].every(([name, address]) => served.get(name)?.has(address) === true);

const notes = ({ mesh, changes, storm }: KubernetesPlan): readonly string[] => [
  `${mesh.services} Services with ${mesh.endpoints} endpoints each in one EndpointSlice; no Pods. The API server and etcd run on this machine.`,
  `${changes} single changes, one after the other; times begin before the write is sent to the API server.`,
  `Each of the ${storm.perSecond} writes a second moves one endpoint of a service. "All are there": /debug/endpointz has the last address of every service.`,
];
