import type { HttpRoutes } from './server.ts';

export interface HealthOptions {
  /**
   * Names of the parts that must be ready before proxies may be served; empty when ready. Evaluated for every request.
   */
  readonly awaited: () => readonly string[];
  /** Adapters that are not up to date, with the reason. Proxies are served anyway. Evaluated for every request. */
  readonly troubles: () => readonly AdapterTrouble[];
  /** Links that `/` lists, in this order. */
  readonly index: readonly IndexEntry[];
}

export interface AdapterTrouble {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
}

export interface IndexEntry {
  readonly path: string;
  readonly about: string;
}

/** Serves `/healthz` (the process answers), `/readyz` (proxies may be served) and `/` (a list of links). */
export function health({ awaited, troubles, index }: HealthOptions): HttpRoutes {
  return (server) => {
    server.get('/healthz', async () => ({ status: 'ok' }));
    server.get('/readyz', async (_request, reply) => {
      const waitingFor = awaited();
      if (waitingFor.length > 0) reply.code(503);
      return { ready: waitingFor.length === 0, waitingFor, troubles: troubles() };
    });
    const own = [
      { path: '/healthz', about: 'whether the process answers' },
      { path: '/readyz', about: 'whether proxies are served, and what is awaited' },
    ];
    server.get('/', async (_request, reply) => {
      reply.type('text/plain; charset=utf-8');
      return indexText([...index, ...own]);
    });
  };
}

function indexText(entries: readonly IndexEntry[]): string {
  const width = Math.max(...entries.map(({ path }) => path.length));
  return ['binnacle', '', ...entries.map(({ path, about }) => `  ${path.padEnd(width)}  ${about}`), ''].join('\n');
}
