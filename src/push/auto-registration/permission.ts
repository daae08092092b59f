import type { WorkloadIdentity } from '../../model/caller-authentication.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { WorkloadGroupSpec } from '../../rules/kinds/workload-group/schema.ts';
import type { Caller } from '../caller.ts';

/**
 * Returns the reason why a caller may not register a workload for a group, or null. A workload receives the calls of
 * services, so it must be proved to be of the namespace and account of the group. Callers on this machine need no
 * proof, and with `anyone` nobody does.
 */
export function registrationFault(
  caller: Caller,
  { namespace }: Pick<Proxy, 'namespace'>,
  { template: { serviceAccount }, anyone }: Pick<WorkloadGroupSpec, 'template'> & { readonly anyone: boolean },
): string | null {
  if (anyone || caller.by === 'loopback') return null;
  const proved = identityOf(caller);
  if (proved === null) {
    return 'its identity is not proved: let it connect with a token or a SPIFFE certificate, or set registration.workloads to any';
  }
  if (proved.namespace !== namespace) return `it is of the namespace ${proved.namespace}`;
  return serviceAccount && proved.serviceAccount !== serviceAccount
    ? `its service account is ${proved.serviceAccount}, that of the group ${serviceAccount}`
    : null;
}

type Account = Pick<WorkloadIdentity, 'namespace' | 'serviceAccount'>;

function identityOf({ by, key }: Caller): Account | null {
  const pattern = by === 'token' ? tokenKey : by === 'certificate' ? spiffeId : null;
  const { namespace, serviceAccount } = pattern?.exec(key)?.groups ?? {};
  return namespace === undefined || serviceAccount === undefined ? null : { namespace, serviceAccount };
}

/** Key of a caller with a token: see `callerOf`. */
const tokenKey = /^system:serviceaccount:(?<namespace>[^:]+):(?<serviceAccount>[^:]+)$/;
const spiffeId = /^spiffe:\/\/[^/]+\/ns\/(?<namespace>[^/]+)\/sa\/(?<serviceAccount>[^/]+)$/;
