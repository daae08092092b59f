import { z } from 'zod';
import { parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { type ApiObject, objectPath } from '../../src/kubernetes/object.ts';
import type { ClusterObjectChange } from '../../src/kubernetes/reflector.ts';
import type { ExtraList } from './cluster-lists.ts';
import type { DefinedCluster } from './cluster-set.ts';
import { isClusterName } from './config.ts';
import type { EntryProblems } from './entry-problems.ts';
import { listPath, secrets } from './kinds.ts';
import type { ClusterEntry } from './running-cluster.ts';

export interface RemoteSecretsOptions {
  readonly namespace: string;
  readonly problems: EntryProblems;
  /** Receives the clusters of all Secrets, once they were listed and after each change. */
  readonly changed: (clusters: readonly DefinedCluster[]) => void;
}

/** One key of a Secret: a cluster's name and its kubeconfig. */
interface Part {
  readonly text: string;
  readonly entry: ClusterEntry | null;
}

const secretBody = z.object({ data: z.record(z.string(), z.string()).nullish() });

/**
 * Creates the list of Istio's remote secrets. Each key of a Secret is the name of a cluster and its value a kubeconfig,
 * which may neither run commands nor name files:
 * https://istio.io/latest/docs/reference/commands/istioctl/#istioctl-create-remote-secret
 */
export function remoteSecretList({ namespace, problems, changed }: RemoteSecretsOptions): ExtraList {
  /** Parts by Secret and key. */
  const known = new Map<string, ReadonlyMap<string, Part>>();

  function put(object: ApiObject): void {
    const path = objectPath(object.metadata);
    const body = secretBody.safeParse(object);
    const data = body.success ? (body.data.data ?? {}) : {};
    const before = known.get(path);
    const parts = new Map<string, Part>();
    for (const [clusterId, encoded] of Object.entries(data)) {
      const text = Buffer.from(encoded, 'base64').toString();
      const last = before?.get(clusterId);
      parts.set(clusterId, last?.text === text ? last : partOf(clusterId, text, last, originOf(path, clusterId)));
    }
    for (const clusterId of before?.keys() ?? []) {
      if (!parts.has(clusterId)) problems.report(originOf(path, clusterId), null);
    }
    known.set(path, parts);
  }

  /** Reads a part. One that is wrong keeps what it last defined. */
  function partOf(clusterId: string, text: string, last: Part | undefined, origin: string): Part {
    const access = parseKubeconfig(text, { directory: null });
    const fault = isClusterName(clusterId)
      ? access.ok
        ? null
        : access.error
      : `'${clusterId}' is no name of a cluster`;
    problems.report(origin, fault);
    if (fault !== null || !access.ok) return { text, entry: last?.entry ?? null };
    return { text, entry: { clusterId, access: async () => access.value } };
  }

  function remove(path: string): void {
    for (const clusterId of known.get(path)?.keys() ?? []) problems.report(originOf(path, clusterId), null);
    known.delete(path);
  }

  function clusters(): readonly DefinedCluster[] {
    return [...known.keys()]
      .sort()
      .flatMap((path) =>
        [...(known.get(path) ?? [])].flatMap(([clusterId, { entry }]) =>
          entry === null ? [] : [{ clusterId, origin: originOf(path, clusterId), entry }],
        ),
      );
  }

  return {
    kind: secrets,
    path: listPath(secrets, namespace),
    selection: { labelSelector: 'istio/multiCluster=true' },
    isSelectable: false,
    received(changes: readonly ClusterObjectChange[], reflector) {
      for (const change of changes) {
        if (change.type === 'put') put(change.object);
        else remove(objectPath(change.metadata));
      }
      // Before the first complete list nothing is known about clusters of an earlier one.
      if (reflector.isSettled()) changed(clusters());
    },
  };
}

const originOf = (path: string, clusterId: string): string => `Secret ${path}, ${clusterId}`;
