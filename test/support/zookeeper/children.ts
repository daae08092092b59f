import { eventually } from '../eventually.ts';
import type { ZooKeeperClient } from './client.ts';

/** Returns the names of a node's children; none if it does not exist. */
export const childrenOf = ({ connection }: ZooKeeperClient, path: string): Promise<readonly string[]> =>
  new Promise((resolve) => {
    connection.readChildren(path, (answer) => resolve(answer instanceof Error ? [] : answer));
  });

/** Resolves once the decoded names of a node's children begin with these, in any order and without others. */
export async function untilChildren(client: ZooKeeperClient, path: string, want: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const names = (await childrenOf(client, path)).map((name) => decodeURIComponent(name)).sort();
      return names.length === want.length && want.every((start, index) => names[index]?.startsWith(start) === true);
    },
    { what: `${path} has ${want.join(', ') || 'no children'}`, timeoutMs: 200_000 },
  );
}
