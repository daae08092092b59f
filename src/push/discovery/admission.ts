import type { Logger } from '../../lib/logger.ts';
import type { CallerAuthentication, CallerVerdict, WorkloadIdentity } from '../../model/caller-authentication.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { CallFacts, ServerCall } from '../../rpc/call.ts';
import { RpcError, type StatusCode } from '../../rpc/status.ts';
import { claimsOf, proxyOf } from '../../xds/wire/node.ts';
import { defaultNodeLimits, type NodeLimits } from '../../xds/wire/node-limits.ts';

export interface AdmissionOptions {
  readonly log: Logger;
  readonly domainSuffix: string;
  /** Default: `defaultNodeLimits`. */
  readonly nodeLimits?: NodeLimits;
  /** Authentication of callers; absent if callers need no proof of their identity. */
  readonly authentication?: CallerAuthentication;
}

/**
 * Pauses a stream until its caller is authenticated, then passes the workload to it. A rejected stream ends before its
 * first message is read.
 */
export function authenticateStream(
  call: ServerCall,
  stream: { provedBy(workload: WorkloadIdentity | null): void },
  options: AdmissionOptions,
): void {
  call.pause();
  workloadOf(call, options).then(
    (workload) => {
      stream.provedBy(workload);
      call.resume();
    },
    (error: unknown) => {
      if (error instanceof RpcError) call.end(error.status);
      else {
        options.log.error({ err: error }, 'authentication of a call failed');
        call.end({ code: 'INTERNAL', message: 'internal error' });
      }
    },
  );
}

/**
 * Resolves with the workload that a call proves; null without authentication. Rejects with a RpcError for rejected
 * callers.
 */
export async function workloadOf(
  call: CallFacts,
  { authentication, log }: AdmissionOptions,
): Promise<WorkloadIdentity | null> {
  if (authentication === undefined) return null;
  const verdict = await authentication.authenticate(call);
  if (verdict.type === 'admitted') return verdict.workload;
  const { reason, message } = verdict;
  if (call.mayLog()) log.warn({ peer: call.peer, reason, why: message }, 'caller not authenticated');
  throw new RpcError(refusalCodes[reason], message);
}

/** Status codes by reason. Clients retry after UNAVAILABLE at once, with the same token. */
const refusalCodes = {
  unauthenticated: 'UNAUTHENTICATED',
  unavailable: 'UNAVAILABLE',
} as const satisfies Readonly<Record<(CallerVerdict & { readonly type: 'refused' })['reason'], StatusCode>>;

/**
 * Reads the proxy of a node, and compares the node with the workload that its call proves. Throws a RpcError:
 * INVALID_ARGUMENT for an unusable node, PERMISSION_DENIED for a node of another workload.
 */
export function admittedProxy(
  node: Uint8Array | null,
  workload: WorkloadIdentity | null,
  { domainSuffix, authentication, nodeLimits: limits = defaultNodeLimits }: AdmissionOptions,
): Proxy {
  const bytes = node ?? new Uint8Array(0);
  const proxy = proxyOf(bytes, { domainSuffix, limits });
  if (!proxy.ok) throw new RpcError('INVALID_ARGUMENT', proxy.error);
  if (authentication === undefined || workload === null) return proxy.value;
  const claims = claimsOf(bytes, { domainSuffix, limits });
  if (!claims.ok) throw new RpcError('INVALID_ARGUMENT', claims.error);
  const fault = authentication.claimFault(workload, claims.value);
  if (fault !== null) throw new RpcError('PERMISSION_DENIED', `this node is not the workload of its token: ${fault}`);
  return proxy.value;
}
