import { inject } from 'vitest';
import { type ClusterAccess, type ClusterClient, connectCluster } from './cluster-client.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly clusterKeeper: string;
  }
}

/**
 * Returns the cluster that the test files of test/kubernetes share. Each uses namespaces of its own and leaves the
 * servers alone; tests that stop them use `startCluster`. Call `close` at the end.
 */
export async function sharedCluster(): Promise<ClusterClient> {
  const answer = await fetch(inject('clusterKeeper'));
  if (!answer.ok) throw new Error(await answer.text());
  return connectCluster((await answer.json()) as ClusterAccess); // the keeper's answer
}
