import type { PeerIdentity } from '../rpc/identity.ts';

/** The identity of a peer, as far as its connection proves it. A node id is the peer's own claim and proves nothing. */
export interface Caller {
  /** Equal for connections of the same one: the identity of its certificate, else the address that it comes from. */
  readonly key: string;
  /** By what it is known. An address across the network proves nothing: many may have it, and one may have many. */
  readonly by: 'certificate' | 'loopback' | 'address';
}

export function callerOf({ peer, identity = null }: CallerFacts): Caller {
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
}

/** An IPv4 address may come as IPv6 (RFC 4291, 2.5.5.2). */
const isLoopback = (address: string): boolean => /^(127\.[\d.]+|\[::1\]|\[::ffff:127\.[\d.]+\])$/.test(address);
