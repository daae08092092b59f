import type { WorkloadIdentity } from '../model/caller-authentication.ts';
import type { PeerIdentity } from '../rpc/identity.ts';

/** The identity of a peer, as far as its call proves it. A node id is the peer's own claim and proves nothing. */
export interface Caller {
  /** Equal for connections of the same one: the account of its token, the identity of its certificate, else its address. */
  readonly key: string;
  /** By what it is known. An address across the network proves nothing: many may have it, and one may have many. */
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
  /** Left out: it has proved nothing. */
  readonly identity?: PeerIdentity | null;
  /** The workload that its token proves; left out: it has sent none, or nobody asks for one. */
  readonly workload?: WorkloadIdentity | null;
}

/** An IPv4 address may come as IPv6 (RFC 4291, 2.5.5.2). */
const isLoopback = (address: string): boolean => /^(127\.[\d.]+|\[::1\]|\[::ffff:127\.[\d.]+\])$/.test(address);
