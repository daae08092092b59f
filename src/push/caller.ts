import type { WorkloadIdentity } from '../model/caller-authentication.ts';
import type { PeerIdentity } from '../rpc/identity.ts';

/** The identity of a peer, as far as its call proves it. A node id is the peer's own claim and proves nothing. */
export interface Caller {
  /**
   * Key, equal for connections of one caller: the account of its token, the identity of its certificate, or its
   * address.
   */
  readonly key: string;
  /**
   * Kind of proof. An address across the network proves nothing: several callers may share it, and one may have
   * several.
   */
  readonly by: 'token' | 'certificate' | 'loopback' | 'address';
}

export function callerOf({ peer, identity = null, workload = null }: CallerFacts): Caller {
  if (workload !== null) {
    return { key: `system:serviceaccount:${workload.namespace}:${workload.serviceAccount}`, by: 'token' };
  }
  if (identity !== null) {
    const { spiffeId, uris, dnsNames, subject } = identity;
    return { key: spiffeId ?? JSON.stringify([uris, dnsNames, subject]), by: 'certificate' };
  }
  const address = peer.replace(/:\d+$/, '');
  return { key: address, by: isLoopback(address) ? 'loopback' : 'address' };
}

export interface CallerFacts {
  /** `ip:port`. */
  readonly peer: string;
  /** Identity of its certificate; absent without one. */
  readonly identity?: PeerIdentity | null;
  /** Workload that its token proves; absent without a token or without authentication. */
  readonly workload?: WorkloadIdentity | null;
}

/** Returns true for loopback. An IPv4 address may be written as IPv6 (RFC 4291, 2.5.5.2). */
const isLoopback = (address: string): boolean => /^(127\.[\d.]+|\[::1\]|\[::ffff:127\.[\d.]+\])$/.test(address);
