import type { CallFacts } from '../../rpc/call.ts';
import { RpcError } from '../../rpc/status.ts';

/** Clients that may request the status of all clients. Responses have the whole configuration of each client. */
export interface ClientStatusAccess {
  /** Clients of this machine, with or without TLS. */
  readonly loopback: boolean;
  /** SPIFFE IDs, proved by certificates. An ID that ends with `*` matches all IDs with that prefix. */
  readonly identities: readonly string[];
}

export const defaultAccess: ClientStatusAccess = { loopback: true, identities: [] };

/** Throws a RpcError for a client without permission. */
export function requireAccess(
  { peer, identity }: Pick<CallFacts, 'peer' | 'identity'>,
  { loopback, identities }: ClientStatusAccess,
): void {
  if (loopback && isLoopback(peer)) return;
  const spiffeId = identity?.spiffeId ?? null;
  if (spiffeId !== null && identities.some((allowed) => isAllowed(allowed, spiffeId))) return;
  throw new RpcError(
    'PERMISSION_DENIED',
    `${spiffeId ?? 'a client without a SPIFFE ID'} may not ask for the status of clients: see xds.clientStatus of binnacle.yaml`,
  );
}

/** Returns true for a loopback peer (`ip:port`). An IPv4 address may be written as IPv6 (RFC 4291, 2.5.5.2). */
const isLoopback = (peer: string): boolean => /^(127\.[\d.]+:|\[::1\]:|\[::ffff:127\.[\d.]+\]:)\d+$/.test(peer);

const isAllowed = (allowed: string, spiffeId: string): boolean =>
  allowed.endsWith('*') ? spiffeId.startsWith(allowed.slice(0, -1)) : spiffeId === allowed;
