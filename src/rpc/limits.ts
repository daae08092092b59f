import type { Rate } from './allowance.ts';

/** What a client may ask of the server, and what the server asks of a connection. */
export interface Limits {
  /**
   * The largest message taken, before and after decompression. Larger ones end their call with RESOURCE_EXHAUSTED. Envoy's
   * largest repeat all names of a subscription: docs/operations.md has how many fit.
   */
  readonly maxReceiveBytes: number;
  /** The most that one write may hold. A larger one ends its call with RESOURCE_EXHAUSTED. */
  readonly maxSendBytes: number;
  /** TCP connections, those in their TLS handshake included. Further ones are closed at once. `null`: no limit. */
  readonly maxConnections: number | null;
  /** The same for one IP address. Clients behind one proxy or NAT share it. */
  readonly maxConnectionsPerPeer: number | null;
  /** Open calls on one connection, of one IP address, and of all. Further ones are refused with RESOURCE_EXHAUSTED. */
  readonly maxConcurrentStreams: number;
  readonly maxStreamsPerPeer: number;
  readonly maxStreams: number;
  /** New calls of one IP address. */
  readonly callsPerPeer: Rate;
  /**
   * Messages of one IP address that have to be read: those that equal what was expected are not counted, and what is written
   * gives one back. More end their call with RESOURCE_EXHAUSTED.
   */
  readonly requestsPerPeer: Rate;
  /** Log lines for what clients of one IP address do. */
  readonly logLinesPerPeer: Rate;
  /** Names, values and 32 bytes for each header of one request, together. */
  readonly maxHeaderListBytes: number;
  /** What one connection may hold in Node's HTTP/2 session, most of it unsent responses, before new calls are refused. */
  readonly maxSessionMemoryBytes: number;
  /**
   * What one connection, one IP address, and all clients may hold in messages that are not whole, are being decompressed, or
   * wait for their handler. A message over it ends its call with RESOURCE_EXHAUSTED.
   */
  readonly maxHeldBytesPerConnection: number;
  readonly maxHeldBytesPerPeer: number;
  readonly maxHeldBytes: number;
  /** How much a client may send on one stream, or on all streams of a connection, before it hears that it was read. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** What waits for a client that does not read. A handler that writes on nevertheless loses the call with RESOURCE_EXHAUSTED. */
  readonly maxQueuedBytes: number;
  /** In this time a client must read what waits for it, or its call ends with UNAVAILABLE. */
  readonly drainTimeoutMs: number;
  /** In this time of its opening a call must have brought its first message, and one of a single message its end as well. */
  readonly requestTimeoutMs: number;
  /** In this time a message that has begun must be whole. */
  readonly messageTimeoutMs: number;
  /** In this time a connection must have made its TLS handshake, and then have said HTTP/2's first words. */
  readonly handshakeTimeoutMs: number;
  /**
   * PING and SETTINGS frames of one connection. A ping that follows something we sent, or comes while it is being sent, costs
   * nothing: clients measure the bandwidth with them (grpc-go, grpc-core).
   */
  readonly controlFrames: Rate;
  /** Calls of one connection that were given up before they ended. */
  readonly abandonedCalls: Rate;
  /** A connection is pinged this often and ended when the answer does not come in time. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** After this age, ± 10 %, a connection is asked to leave, so that clients spread over replicas. `null`: never. */
  readonly maxConnectionAgeMs: number | null;
  /** How long calls may go on after that. */
  readonly maxConnectionAgeGraceMs: number;
}

const mebibyte = 1024 * 1024;

/** Of DEFLATE: 258 bytes for two bits (https://zlib.net/zlib_tech.html). */
const largestRatio = 1_032;
/** The window and the state of one decompression. */
const decompressorBytes = 64 * 1024;

/** What is held for a compressed message of this length while it is decompressed: itself, and what it may become. */
export const heldToDecompress = (length: number, maxReceiveBytes: number): number =>
  length + Math.min(maxReceiveBytes, length * largestRatio + decompressorBytes);

/** The most that is held for one message: below this, some that are within `maxReceiveBytes` are always refused. */
export const heldForLargest = (maxReceiveBytes: number): number => heldToDecompress(maxReceiveBytes, maxReceiveBytes);

/** What ten seconds bring may come at once: all clients of an address connect again together. */
export const ratePerSecond = (perSecond: number): Rate => ({ burst: 10 * perSecond, perSecond });

export const defaultLimits: Limits = {
  // a delta client that comes back with 10,000 names writes 1.3 MB; gRPC's own libraries take as much
  maxReceiveBytes: 4 * mebibyte,
  maxSendBytes: 512 * mebibyte,
  maxConnections: 20_000,
  // the sidecars of a site behind one NAT, and a tenth of all
  maxConnectionsPerPeer: 2_000,
  maxConcurrentStreams: 1000,
  maxStreamsPerPeer: 4_000,
  maxStreams: 40_000,
  callsPerPeer: ratePerSecond(400),
  requestsPerPeer: ratePerSecond(2_000),
  logLinesPerPeer: ratePerSecond(10),
  maxHeaderListBytes: 16 * 1024,
  // Node's own 10 MB is less than a few whole-mesh responses, and a client that reached it was refused for good
  maxSessionMemoryBytes: 512 * mebibyte,
  maxHeldBytesPerConnection: 16 * mebibyte,
  maxHeldBytesPerPeer: 64 * mebibyte,
  maxHeldBytes: 256 * mebibyte,
  // an acknowledgement that repeats thousands of names goes through without waiting for a window update
  streamWindowBytes: mebibyte,
  connectionWindowBytes: 4 * mebibyte,
  maxQueuedBytes: 64 * mebibyte,
  // longer than a sidecar's machine may stand still, and well over what a whole mesh takes on a slow line
  drainTimeoutMs: 180_000,
  requestTimeoutMs: 30_000,
  messageTimeoutMs: 60_000,
  handshakeTimeoutMs: 10_000,
  // gRPC's keepalive is 10 s at the least, Envoy's 1 s
  controlFrames: { burst: 200, perSecond: 10 },
  abandonedCalls: { burst: 1000, perSecond: 100 },
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  maxConnectionAgeMs: null,
  maxConnectionAgeGraceMs: 30_000,
};
