import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type Cluster, startCluster } from './cluster.ts';

/**
 * Keeps one cluster for all test files of a run. It starts when the first of them asks (`sharedCluster`), and stops
 * after the last. The function's name is that of vitest's global set-up.
 */
export async function setup({ provide }: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  let starting: Promise<Cluster> | null = null;
  const server = createServer((_, response) => {
    starting ??= startCluster();
    starting.then(
      ({ access }) => response.end(JSON.stringify(access)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.stack : String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  provide('clusterKeeper', `http://127.0.0.1:${port}`);
  return async () => {
    server.close();
    await (await starting)?.stop();
  };
}
