import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import type { RegistriesPlan } from '../flags.ts';
import { inTurns } from '../kubernetes/in-turns.ts';
import { type LoadClient, startLoadClient } from '../load-client.ts';
import { cpuSeconds, cpuSecondsWhenQuiet, peakBytes, waitedMs } from '../process-figures.ts';
import { quantile } from '../report/quantile.ts';
import type { ReportRow } from '../report/row.ts';
import type { Section } from '../report/table.ts';
import { addressOf, type BenchRegistry } from './contract.ts';
import { nacosRegistry } from './nacos.ts';
import { zookeeperRegistry } from './zookeeper.ts';

/** Long enough for a machine that others use. */
const patienceMs = 600_000;

/** Follows real registries: the first reading, single changes, and a rolling restart. */
export async function registriesSection(plan: RegistriesPlan, progress: (text: string) => void): Promise<Section> {
  const rows: ReportRow[] = [];
  for (const start of [() => zookeeperRegistry(plan.zookeeper), () => nacosRegistry(plan.nacos)]) {
    const registry = await start();
    try {
      rows.push(...(await rowsOf(registry, plan, progress)));
    } finally {
      await registry.close();
    }
  }
  return { title: 'Registries, with their servers', rows, notes: notes(plan) };
}

interface Measured {
  readonly registry: BenchRegistry;
  readonly controlPlane: ControlPlane;
  readonly load: LoadClient;
  readonly plan: RegistriesPlan;
}

async function rowsOf(
  registry: BenchRegistry,
  plan: RegistriesPlan,
  progress: (text: string) => void,
): Promise<readonly ReportRow[]> {
  const { title, mesh } = registry;
  progress(`registries: ${title} and its ${mesh.services * mesh.endpoints} instances`);
  await registry.fill();
  progress(`registries: ${title}, the first reading`);
  const { controlPlane, rows } = await firstReading(registry);
  try {
    const load = await startLoadClient({ mode: 'delta', xdsPort: controlPlane.xdsPort, streams: plan.streams });
    const measured = { registry, controlPlane, load, plan };
    progress(`registries: ${title}, single changes`);
    rows.push(...(await singleChanges(measured)));
    progress(`registries: ${title}, a rolling restart`);
    rows.push(...(await rollingRestart(measured)));
    await load.stop();
  } finally {
    await controlPlane.stop();
  }
  return rows;
}

async function firstReading(registry: BenchRegistry) {
  const { title, mesh } = registry;
  const bareAt = performance.now();
  const instances = await registry.readBare();
  const bareMs = performance.now() - bareAt;
  if (instances !== mesh.services * mesh.endpoints) throw new Error(`${title} lists ${instances} instances`);
  const emptyAt = performance.now();
  await (await start([])).stop();
  const emptyMs = performance.now() - emptyAt;
  const startedAt = performance.now();
  const controlPlane = await start([registry.adapter]);
  const type = String(Object(registry.adapter).type);
  await eventually(
    async () => (await controlPlane.metric(`binnacle_adapter_services{adapter="${type}"}`)) === mesh.services,
    { what: 'all services', everyMs: 20, timeoutMs: patienceMs },
  );
  const syncedMs = performance.now() - startedAt;
  const { pid } = controlPlane.child;
  const scenario = `${title}: ${mesh.services} services with ${mesh.endpoints} instances each`;
  const rows: ReportRow[] = [
    { scenario, measure: 'process start until all are read, ms', binnacle: syncedMs },
    { scenario, measure: 'the same, beyond an empty start, ms', binnacle: syncedMs - emptyMs, bare: bareMs },
    { scenario, measure: 'waited for a processor, ms', binnacle: waitedMs(pid) },
    { scenario, measure: 'CPU ms', binnacle: cpuSeconds(pid) * 1_000 },
    { scenario, measure: 'peak memory, MB', binnacle: peakBytes(pid) / 1e6 },
  ];
  return { controlPlane, rows };
}

const start = (adapters: readonly object[]): Promise<ControlPlane> =>
  startControlPlane({ args: ['--log-level', 'warn'], config: { adapters }, readyTimeoutMs: patienceMs });

/** Compares the last stream with a bare client of the registry: the difference is ours, the rest the registry's. */
async function singleChanges({ registry, load, plan }: Measured): Promise<readonly ReportRow[]> {
  const { title, mesh } = registry;
  const services = Array.from({ length: plan.changes }, (_, change) => (change * 7) % mesh.services);
  const watch = await registry.watchBare([...new Set(services)]);
  const whole: number[] = [];
  const bare: number[] = [];
  const beyond: number[] = [];
  for (const [change, service] of services.entries()) {
    const address = addressOf(200, change);
    const told = watch.told(address);
    const startedAt = performance.now();
    const ms = await load.change('eds', registry.clusterOf(service), address, () => registry.move(service, address));
    const bareMs = (await told) - startedAt;
    whole.push(ms);
    bare.push(bareMs);
    beyond.push(Math.max(0, ms - bareMs));
  }
  await watch.close();
  const scenario = `${title}: an instance moves, until the last of ${plan.streams} streams`;
  const figures = (share: number) => ({ binnacle: quantile(whole, share), bare: quantile(bare, share) });
  return [
    { scenario, measure: 'p50, ms', ...figures(0.5) },
    { scenario, measure: 'p99, ms', ...figures(0.99) },
    { scenario, measure: 'p99 beyond the bare client, ms', binnacle: quantile(beyond, 0.99), bar: { max: 100 } },
  ];
}

async function rollingRestart({ registry, controlPlane, load, plan }: Measured): Promise<readonly ReportRow[]> {
  const { title, mesh } = registry;
  const { pid } = controlPlane.child;
  const services = Math.ceil(plan.restarted / mesh.endpoints);
  const sent = () => controlPlane.metric('binnacle_pushes_total{type="endpoint"}');
  const [before, bytesBefore, cpuBefore] = [await sent(), await load.receivedBytes(), cpuSeconds(pid)];
  const startedAt = performance.now();
  await inTurns(services, 1, (service) => registry.restart(service, mesh.endpoints));
  const restartedMs = performance.now() - startedAt;
  const marker = addressOf(250, 1);
  const markerMs = await load.change('eds', registry.clusterOf(0), marker, () => registry.move(0, marker));
  const cpu = (await cpuSecondsWhenQuiet(pid)) - cpuBefore;
  const bytes = (await load.receivedBytes()) - bytesBefore;
  const pushes = before === null ? null : ((await sent()) ?? 0) - before;
  const scenario = `${title}: ${services * mesh.endpoints} instances leave and come back, one by one`;
  const perStream = (total: number) => total / plan.streams;
  return [
    { scenario, measure: 'registered in, ms', binnacle: restartedMs },
    { scenario, measure: 'the next change until the last stream, ms', binnacle: markerMs },
    { scenario, measure: 'EDS responses a stream', binnacle: pushes === null ? null : perStream(pushes) },
    { scenario, measure: 'KB a stream', binnacle: perStream(bytes) / 1_000 },
    { scenario, measure: 'CPU ms', binnacle: cpu * 1_000 },
  ];
}

const notes = ({ changes }: RegistriesPlan): readonly string[] => [
  'The registries run on this machine. ZooKeeper: interfaces of Dubbo. Nacos 3: ephemeral instances, each service registered as one batch.',
  '"bare": reading and watching with the same client, without a control plane. It reads in a process that runs already.',
  `${changes} single changes, one after the other. The bare client watches the same services; "beyond" is the time from its news to the last stream.`,
  'Nacos waits 500 ms before it tells a change, so that changes of that time arrive as one.',
];
