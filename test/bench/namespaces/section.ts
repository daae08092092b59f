import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NamespacesPlan } from '../flags.ts';
import { startLoadClient } from '../load-client.ts';
import type { Section } from '../report/table.ts';
import { type NamespacedMesh, namespaceName } from './mesh.ts';
import { type NamespacedName, type NamespacesFigures, namespacedServers, namespacesRows } from './rows.ts';
import { liveBytesWith, runServed, type ServedFigures } from './run.ts';
import { type NamespacedServer, startNamespaced, startNamespacedPeer } from './servers.ts';

/**
 * Compares equal services and clients in one namespace and spread over many, for Binnacle and both caches of
 * go-control-plane.
 */
export async function namespacesSection(plan: NamespacesPlan, progress: (text: string) => void): Promise<Section> {
  const { mesh, clients, routeChanges, rounds } = plan;
  const meshes = { one: { ...mesh, namespaces: 1 }, many: mesh };
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-namespaces-'));
  const figures: Partial<Record<NamespacedName, NamespacesFigures>> = {};
  try {
    const saved = { one: join(folder, 'one'), many: join(folder, 'many') };
    for (const key of ['one', 'many'] as const) {
      progress(`namespaces: what ${meshes[key].namespaces} are served`);
      await save(meshes[key], saved[key]);
    }
    for (const name of namespacedServers) {
      const start = (key: 'one' | 'many') =>
        name === 'binnacle' ? startNamespaced(meshes[key]) : startNamespacedPeer(name, saved[key]);
      const served: Record<'one' | 'many', ServedFigures[]> = { one: [], many: [] };
      // Peers need seconds for a change that Binnacle serves in milliseconds.
      for (let round = 0; round < (name === 'binnacle' ? rounds : 1); round++) {
        for (const key of ['one', 'many'] as const) {
          const { namespaces } = meshes[key];
          progress(`namespaces, round ${round + 1}: ${clients} clients in ${namespaces}: ${name}`);
          const changes = name === 'binnacle' ? routeChanges : Math.min(routeChanges, peerChanges);
          const run = (server: NamespacedServer) => runServed(server, { clients, namespaces }, changes);
          served[key].push(await withServer(() => start(key), run));
        }
      }
      progress(`namespaces, memory: ${name}`);
      figures[name] = { ...served, ...(await memoryOf(name, mesh, start)) };
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  // the loop filled in every name
  const all = figures as Record<NamespacedName, NamespacesFigures>;
  return {
    title: `Namespaces: ${mesh.services} services, ${clients} delta streams`,
    rows: namespacesRows({ namespaces: mesh.namespaces, figures: all }),
    notes: [
      `Medians of ${rounds} rounds for Binnacle, one for the others; ${routeChanges} rule changes, ${peerChanges} at most for the others.`,
      `Memory after a full collection, with ${mesh.namespaces} clients in one namespace and in ${mesh.namespaces}; go-control-plane's holds its namespaces from its start.`,
    ],
  };
}

const peerChanges = 3;

/** Measures memory. Binnacle creates a scope when a client connects; the others have all scopes from the start. */
async function memoryOf(
  name: NamespacedName,
  { namespaces }: NamespacedMesh,
  start: (key: 'one' | 'many') => Promise<NamespacedServer>,
): Promise<Pick<NamespacesFigures, 'liveBytesOne' | 'liveBytesMany'>> {
  const one = { clients: namespaces, namespaces: 1 };
  const many = { clients: namespaces, namespaces };
  return await withServer(
    () => start('many'),
    async (server) => ({
      liveBytesOne:
        name === 'binnacle'
          ? await liveBytesWith(server, one)
          : await withServer(
              () => start('one'),
              (other) => liveBytesWith(other, one),
            ),
      liveBytesMany: await liveBytesWith(server, many),
    }),
  );
}

/**
 * Saves what Binnacle serves to each namespace, in a folder of its name, so that the others serve the same resources.
 */
async function save(mesh: NamespacedMesh, folder: string): Promise<void> {
  await withServer(
    () => startNamespaced(mesh),
    async ({ xdsPort }) => {
      for (let number = 0; number < mesh.namespaces; number++) {
        const saveTo = join(folder, namespaceName(number));
        await mkdir(saveTo, { recursive: true });
        const namespaces = { first: number, count: 1 };
        const load = await startLoadClient({ mode: 'sotw', xdsPort, streams: 1, saveTo, namespaces });
        await load.stop();
        if (load.edsNames !== mesh.services) {
          throw new Error(`${load.edsNames} clusters are served, ${mesh.services} were registered`);
        }
      }
    },
  );
}

async function withServer<T>(
  start: () => Promise<NamespacedServer>,
  run: (server: NamespacedServer) => Promise<T>,
): Promise<T> {
  const server = await start();
  try {
    return await run(server);
  } finally {
    await server.stop();
  }
}
