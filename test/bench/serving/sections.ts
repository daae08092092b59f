import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServingPlan } from '../flags.ts';
import { type Mode, startLoadClient } from '../load-client.ts';
import type { BenchMesh } from '../mesh.ts';
import type { ReportRow } from '../report/row.ts';
import type { Section } from '../report/table.ts';
import { startBare } from '../servers/bare.ts';
import { startBinnacle } from '../servers/binnacle.ts';
import type { BenchServer, ServerName } from '../servers/contract.ts';
import { startPeer } from '../servers/peer.ts';
import { idleStreamBytes } from './idle.ts';
import { flatRows, servingRows } from './rows.ts';
import { runScenario, type Scenario, type ServingFigures } from './scenario.ts';
import { runStalled, type StalledFigures } from './stalled.ts';

/** Reports progress. */
export type Progress = (text: string) => void;

const modes: readonly Mode[] = ['delta', 'sotw'];
const controlPlanes = ['binnacle', 'linear', 'snapshot'] as const;
const serverNames = ['binnacle', 'bare', 'linear', 'snapshot'] as const;

/**
 * Measures storm, endpoint change and route change for Binnacle, its floor and both peers, for each number of streams
 * and each mode.
 */
export async function servingSection(plan: ServingPlan, progress: Progress): Promise<Section> {
  const rows: ReportRow[] = [];
  await withServers(plan.mesh, async (start) => {
    for (const streams of plan.streams) {
      for (const mode of modes) {
        const figures: Partial<Record<ServerName, ServingFigures>> = {};
        for (const name of serverNames) {
          const scenario = { mode, streams, ...plan.changes[name] };
          progress(`${mode}, ${streams} streams: ${name}`);
          figures[name] = await withServer(
            () => start(name, mode),
            (server) => runScenario(server, scenario),
          );
        }
        // the loop filled in every name
        const all = figures as Record<ServerName, ServingFigures>;
        rows.push(...servingRows({ scenario: { mode, streams, ...plan.changes.binnacle }, figures: all }));
      }
    }
  });
  const counts = serverNames.map(
    (name) => `${plan.changes[name].endpointChanges} and ${plan.changes[name].routeChanges} for ${name}`,
  );
  return { title: 'Serving', rows, notes: [`Endpoint and route changes: ${counts.join(', ')}.`] };
}

/** Checks that an endpoint change costs the same in meshes of any size. */
export async function flatSection(plan: ServingPlan, progress: Progress): Promise<Section> {
  const runs = [];
  const streams = plan.flat.streams;
  for (const services of plan.flat.services) {
    progress(`${services} services, ${streams} delta streams`);
    const scenario: Scenario = {
      mode: 'delta',
      streams,
      endpointChanges: plan.changes.binnacle.endpointChanges,
      routeChanges: 0,
    };
    const mesh = { ...plan.mesh, services };
    const figures = await withServer(
      () => startBinnacle(mesh),
      (server) => runScenario(server, scenario),
    );
    runs.push({ services, figures });
  }
  return { title: `Size of the mesh (${streams} delta streams)`, rows: flatRows(runs), notes: [] };
}

const idleBar = { max: 60 };

/** Measures the memory of an idle stream. */
export async function idleSection(plan: ServingPlan, progress: Progress): Promise<Section> {
  const rows: ReportRow[] = [];
  await withServers(plan.mesh, async (start) => {
    for (const mode of modes) {
      const kilobytes: Partial<Record<ServerName, number>> = {};
      for (const name of controlPlanes) {
        progress(`idle streams, ${mode}: ${name}`);
        const bytes = await withServer(
          () => start(name, mode),
          (server) => idleStreamBytes(server, mode, plan.idleStreams),
        );
        kilobytes[name] = bytes / 1e3;
      }
      const measure = 'memory of an idle stream, KB';
      rows.push({ scenario: `${mode} ${plan.idleStreams}`, measure, binnacle: null, ...kilobytes, bar: idleBar });
    }
  });
  return { title: 'Idle streams', rows, notes: [] };
}

const stalledBar = { max: 50 };

/** Measures clients that stop reading, for Binnacle and the linear cache. */
export async function stalledSection(plan: ServingPlan, progress: Progress): Promise<Section> {
  const { streams, changes, stalledMs } = plan.stalled;
  const figures: Partial<Record<ServerName, StalledFigures>> = {};
  await withServers(plan.mesh, async (start) => {
    for (const name of ['binnacle', 'linear'] as const) {
      progress(`${streams} clients that stop reading: ${name}`);
      figures[name] = await withServer(
        () => start(name, 'delta'),
        (server) => runStalled(server, { ...plan.stalled, services: plan.mesh.services }),
      );
    }
  });
  const row = (measure: string, of: (figures: StalledFigures) => number | null, bar?: ReportRow['bar']): ReportRow => ({
    scenario: `${streams} clients`,
    measure,
    binnacle: figures.binnacle === undefined ? null : of(figures.binnacle),
    linear: figures.linear === undefined ? null : of(figures.linear),
    ...(bar === undefined ? {} : { bar }),
  });
  return {
    title: `${streams} clients stop reading for ${stalledMs / 1e3} s, ${changes} endpoint changes meanwhile`,
    rows: [
      row('memory while stalled, MB more', ({ stalledBytes }) => stalledBytes / 1e6, stalledBar),
      row('memory while catching up, MB more', ({ catchUpBytes }) => catchUpBytes / 1e6, stalledBar),
      row('last client has caught up, ms', ({ catchUpMs }) => catchUpMs),
      row('streams opened again', ({ retries }) => retries),
      row('event loop, ms', ({ eventLoopMs }) => eventLoopMs, { max: 30 }),
    ],
    notes: [],
  };
}

/** Starts a server. The bare server serves one mode; the others support both. */
type Start = (name: ServerName, mode: Mode) => Promise<BenchServer>;

/** Saves what Binnacle serves for a mesh, so that the others serve the same resources. */
async function withServers(mesh: BenchMesh, run: (start: Start) => Promise<void>): Promise<void> {
  const saved = await mkdtemp(join(tmpdir(), 'binnacle-bench-'));
  try {
    await withServer(
      () => startBinnacle(mesh),
      async ({ xdsPort }) => {
        const load = await startLoadClient({ mode: 'sotw', xdsPort, streams: 1, saveTo: saved });
        await load.stop();
        if (load.edsNames !== mesh.services) {
          throw new Error(`${load.edsNames} clusters are served, ${mesh.services} were registered`);
        }
      },
    );
    await run((name, mode) => {
      if (name === 'binnacle') return startBinnacle(mesh);
      return name === 'bare' ? startBare(saved, mode) : startPeer(name, saved);
    });
  } finally {
    await rm(saved, { recursive: true, force: true });
  }
}

/** Runs with a fresh server: the peak memory of a process cannot be reset. */
async function withServer<T>(start: () => Promise<BenchServer>, run: (server: BenchServer) => Promise<T>): Promise<T> {
  const server = await start();
  try {
    return await run(server);
  } finally {
    await server.stop();
  }
}
