import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type ClusterAccess, inClusterAccess, parseKubeconfig } from './kubeconfig.ts';

export interface AccessPlace {
  /** Path of a kubeconfig; `~/` is the home directory. Without it: the service account of the Pod, else `KUBECONFIG`. */
  readonly kubeconfig?: string | null | undefined;
  /** Context of the kubeconfig; its current one by default. */
  readonly context?: string | null | undefined;
}

/**
 * Finds the access to a cluster; null where none is named and the process is in no cluster. Reads the file at each call,
 * so that a replaced kubeconfig counts. Rejects with the file and its fault, for people.
 */
export async function findAccess(
  { kubeconfig, context }: AccessPlace,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ClusterAccess | null> {
  const named = kubeconfig ?? null;
  const own = named === null ? inClusterAccess(env) : null;
  if (own !== null) return own;
  const given = named ?? env.KUBECONFIG ?? '';
  if (given === '') return null;
  const path = given.startsWith('~/') ? join(homedir(), given.slice(2)) : resolve(given);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`${path} cannot be read (${cause instanceof Error ? cause.message : cause})`, { cause });
  });
  const parsed = parseKubeconfig(text, { context: context ?? undefined, directory: dirname(path) });
  if (!parsed.ok) throw new Error(`${path} ${parsed.error}`);
  return parsed.value;
}
