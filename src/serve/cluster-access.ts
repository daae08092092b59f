import { type AccessPlace, findAccess } from '../kubernetes/find-access.ts';
import type { ClusterAccess } from '../kubernetes/kubeconfig.ts';
import { MeshError } from '../lib/errors.ts';

/** Part of the configuration that needs a cluster, for messages. */
export interface ClusterPurpose {
  /** Key with the kubeconfig: `store`, with `store.kubeconfig`. */
  readonly key: string;
  /** Purpose of the cluster: `keeps the rules`. */
  readonly does: string;
}

/** Finds the access to a cluster that the configuration needs. Rejects with CONFIG_INVALID if there is none. */
export async function requiredAccess(place: AccessPlace, { key, does }: ClusterPurpose): Promise<ClusterAccess> {
  const access = await findAccess(place).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new MeshError('CONFIG_INVALID', `${key}.kubeconfig: ${reason}`, { cause });
  });
  if (access !== null) return access;
  throw new MeshError(
    'CONFIG_INVALID',
    `${key}: this process is in no cluster: name the cluster that ${does} by ${key}.kubeconfig`,
  );
}
