import { get } from '../../support/http.ts';
import type { BenchMesh } from '../mesh.ts';
import { markdownTable, type Section } from '../report/table.ts';
import { startMesh } from '../servers/binnacle.ts';
import { attacks } from './attacks.ts';
import { runHostile } from './run.ts';

/** Measures how one hostile client affects others, each in a fresh process. */
export async function hostileSection(mesh: BenchMesh, progress: (text: string) => void): Promise<Section> {
  const rows: string[][] = [];
  for (const attack of attacks()) {
    progress(attack.name);
    const controlPlane = await startMesh(mesh);
    const { child, xdsPort, httpPort } = controlPlane;
    try {
      const ask = async () => void (await get(httpPort, { path: '/healthz' }));
      const figures = await runHostile({ pid: child.pid, xdsPort }, ask, attack);
      const { othersWaitedMs, cpuMs, peakBytes, keptBytes } = figures;
      const texts = [othersWaitedMs, cpuMs, peakBytes / 1e6, keptBytes / 1e6].map((figure) => figure.toFixed(0));
      rows.push([attack.name, ...texts]);
    } finally {
      await controlPlane.stop();
    }
  }
  const figure = (title: string) => ({ title, isText: false });
  const heads = ['others waited, ms', 'CPU, ms', 'memory, MB', 'kept, MB'].map(figure);
  return {
    title: 'Hostile clients',
    rows: [],
    text: markdownTable([{ title: 'one client', isText: true }, ...heads], rows),
    notes: [
      `${mesh.services} services with ${mesh.endpoints} endpoints; each client stays for 5 s, on a connection of its own.`,
    ],
  };
}
