import type { NodeClaim, WorkloadIdentity } from '../../model/caller-authentication.ts';

/**
 * Compares the claims of a node with the workload that its token proves. Returns the first difference, for people; null
 * if there is none. Facts that the token lacks (such as a pod) are not compared.
 */
export function claimFault(workload: WorkloadIdentity, claims: readonly NodeClaim[]): string | null {
  const proved = {
    namespace: workload.namespace,
    pod: workload.pod?.name ?? null,
    'service account': workload.serviceAccount,
  };
  const differing = claims.find(({ about, value }) => proved[about] !== null && proved[about] !== value);
  if (differing === undefined) return null;
  const { about, field, value } = differing;
  return `the ${about} differs: ${field} says "${value.slice(0, 253)}", the token is of "${proved[about]}"`;
}
