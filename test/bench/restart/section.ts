import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.ts';
import type { RestartPlan } from '../flags.ts';
import { startLoadClient } from '../load-client.ts';
import type { BenchMesh } from '../mesh.ts';
import { cpuSecondsWhenQuiet } from '../process-figures.ts';
import type { Section } from '../report/table.ts';
import { applyBatches, batchesOf } from '../rules/apply.ts';
import { type LifeFigures, runLife, type StartedServer } from './life.ts';
import { meshServiceEntries, writeMeshFiles } from './objects.ts';
import { type Lives, restartRows } from './rows.ts';
import { type Source, startBinnacleFrom, startLinear } from './servers.ts';

/** Starts the process in each round. Its clients connect at once when it is ready. */
export async function restartSection(
  { mesh, streams, rounds }: RestartPlan,
  progress: (text: string) => void,
): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-restart-'));
  try {
    progress('restart: a first life of each data directory');
    const { sources, saved } = await prepare(mesh, folder);
    const lives = new Map([...sources.keys(), 'linear'].map((name) => [name, newLives()]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, kept] of lives) {
        progress(`restart, round ${round + 1} of ${rounds}: ${name}`);
        const start = () => (name === 'linear' ? startLinear(saved) : startBinnacleFrom(sources.get(name) ?? {}));
        kept.alone.push(await runLife(start, 1));
        kept.storms.push(await runLife(start, streams));
      }
    }
    const linear = lives.get('linear') ?? newLives();
    const rows = [...sources.keys()].flatMap((name) =>
      restartRows(name, streams, lives.get(name) ?? newLives(), linear),
    );
    return { title: `Restart, ${streams} delta streams at once`, rows, notes: notes(mesh, rounds) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const newLives = (): Lives & { readonly [key in keyof Lives]: LifeFigures[] } => ({ alone: [], storms: [] });

const notes = ({ services, endpoints }: BenchMesh, rounds: number): readonly string[] => [
  `${services} services with ${endpoints} endpoints each; medians of ${rounds} rounds, servers in turn.`,
  '"first start" has an empty data directory; "restart" one of a process that has served a client and was stopped.',
  'Linear loads the resources that Binnacle serves from one file for each type.',
];

/** Prepares the sources for starts, and saves what is served for the peer. */
async function prepare(mesh: BenchMesh, folder: string) {
  const meshDir = join(folder, 'mesh');
  const saved = await mkdtemp(join(folder, 'saved-'));
  await writeMeshFiles(mesh, meshDir);
  const files = { meshDir, dataDir: await mkdtemp(join(folder, 'files-')) };
  const store = { dataDir: await mkdtemp(join(folder, 'store-')) };
  await firstLife(files, mesh, { saveTo: saved });
  await firstLife(store, mesh, { objects: meshServiceEntries(mesh) });
  const sources = new Map<string, Source>([
    ['files, first start', { meshDir }],
    ['files, restart', files],
    ['store, restart', store],
  ]);
  return { sources, saved };
}

/** Runs a process that serves one client and stops, so that its data directory has the contents of a restart. */
async function firstLife(
  source: Source,
  { services }: BenchMesh,
  { objects = [], saveTo }: { readonly objects?: readonly object[]; readonly saveTo?: string },
): Promise<void> {
  const server = await startBinnacleFrom(source);
  try {
    await applyBatches(server.httpPort, batchesOf(objects, 1_000));
    // Rules are in effect a little after they were answered.
    await eventually(async () => (await serveOne(server, saveTo)) === services, {
      what: `${services} services served`,
      timeoutMs: 300_000,
      everyMs: 500,
    });
  } finally {
    await server.stop();
  }
}

/** Connects one client; answers with the number of clusters that it was told of. */
async function serveOne({ pid, xdsPort }: StartedServer, saveTo: string | undefined): Promise<number> {
  const saving = saveTo === undefined ? {} : { saveTo };
  const load = await startLoadClient({ mode: 'sotw', xdsPort, streams: 1, ...saving });
  await cpuSecondsWhenQuiet(pid);
  await load.stop();
  return load.edsNames;
}
