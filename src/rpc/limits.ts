import type { Rate } from './token-bucket.ts';

/** Limits for clients, calls and connections. */
export interface Limits {
  /**
   * Maximum size of a message, before and after decompression. A larger one ends its call with RESOURCE_EXHAUSTED.
   * Envoy's largest messages repeat all names of a subscription: docs/operations.md says how many fit.
   */
  readonly maxReceiveBytes: number;
  /** Maximum size of one write. A larger one ends its call with RESOURCE_EXHAUSTED. */
  readonly maxSendBytes: number;
  /** TCP connections, including those in their TLS handshake. Further ones are closed at once. `null`: no limit. */
  readonly maxConnections: number | null;
  /** The same limit per IP address. Clients behind one proxy or NAT share it. */
  readonly maxConnectionsPerPeer: number | null;
  /** Open calls per connection, per IP address, and in total. Further ones are refused with RESOURCE_EXHAUSTED. */
  readonly maxConcurrentStreams: number;
  readonly maxStreamsPerPeer: number;
  readonly maxStreams: number;
  /** New calls per IP address. */
  readonly callsPerPeer: Rate;
  /**
   * Messages per IP address that must be parsed. Messages that equal the expected message do not count, and every written
   * message adds one. More end their call with RESOURCE_EXHAUSTED.
   */
  readonly requestsPerPeer: Rate;
  /** Log lines about clients of one IP address. */
  readonly logLinesPerPeer: Rate;
  /** Total of names, values and 32 bytes per header of one request. */
  readonly maxHeaderListBytes: number;
  /** Memory of one connection in Node's HTTP/2 session, mostly unsent responses. Above it, new calls are refused. */
  readonly maxSessionMemoryBytes: number;
  /**
   * Memory per connection, per IP address, and in total for messages that are incomplete, being decompressed, or
   * waiting for their handler. A message over the limit ends its call with RESOURCE_EXHAUSTED.
   */
  readonly maxHeldBytesPerConnection: number;
  readonly maxHeldBytesPerPeer: number;
  readonly maxHeldBytes: number;
  /** Bytes that a client may send on one stream, or on all streams of a connection, before the server has read them. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /**
   * Bytes waiting for a client that does not read. If the handler keeps writing, the call ends with RESOURCE_EXHAUSTED.
   */
  readonly maxQueuedBytes: number;
  /** Time for a client to read waiting data. Later its call ends with UNAVAILABLE. */
  readonly drainTimeoutMs: number;
  /** Time from the opening of a call to its first message. A call with a single message must end within it, too. */
  readonly requestTimeoutMs: number;
  /** Time for a message to arrive completely. */
  readonly messageTimeoutMs: number;
  /** Time for a TLS handshake, and then for the client's HTTP/2 settings. */
  readonly handshakeTimeoutMs: number;
  /**
   * PING and SETTINGS frames per connection. A ping does not count if data was sent since the last one: clients use
   * pings to measure the bandwidth (grpc-go, grpc-core).
   */
  readonly controlFrames: Rate;
  /** Calls per connection that the client reset before they ended. */
  readonly abandonedCalls: Rate;
  /** Interval of pings. A connection ends when the answer does not arrive in time. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Age (± 10 %) at which a connection is asked to close, so that clients spread over replicas. `null`: never. */
  readonly maxConnectionAgeMs: number | null;
  /** Time that calls may continue after that. */
  readonly maxConnectionAgeGraceMs: number;
}

const mebibyte = 1024 * 1024;

/** Maximum ratio of DEFLATE: 258 bytes for two bits (https://zlib.net/zlib_tech.html). */
const largestRatio = 1_032;
/** Memory of one decompression: the window and the state. */
const decompressorBytes = 64 * 1024;

/** Returns the memory for decompressing a message of this length: the message, and the maximum of its result. */
export const bytesToDecompress = (length: number, maxReceiveBytes: number): number =>
  length + Math.min(maxReceiveBytes, length * largestRatio + decompressorBytes);

/** Returns the maximum memory for one message. With a lower limit, some messages within `maxReceiveBytes` never fit. */
export const bytesForLargest = (maxReceiveBytes: number): number => bytesToDecompress(maxReceiveBytes, maxReceiveBytes);

/** Allows the events of ten seconds at once: all clients of an address reconnect together. */
export const ratePerSecond = (perSecond: number): Rate => ({ burst: 10 * perSecond, perSecond });

export const defaultLimits = {
  // room for a delta client that reconnects with 10,000 names; the default of gRPC's own libraries
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
  // Node's default of 10 MB is less than a few whole-mesh responses; a client at that limit is refused permanently
  maxSessionMemoryBytes: 512 * mebibyte,
  maxHeldBytesPerConnection: 16 * mebibyte,
  maxHeldBytesPerPeer: 64 * mebibyte,
  maxHeldBytes: 256 * mebibyte,
  // an acknowledgement that repeats thousands of names fits without a window update
  streamWindowBytes: mebibyte,
  connectionWindowBytes: 4 * mebibyte,
  maxQueuedBytes: 64 * mebibyte,
  // longer than a sidecar's machine may be suspended, and ample for a whole mesh on a slow line
  drainTimeoutMs: 180_000,
  requestTimeoutMs: 30_000,
  messageTimeoutMs: 60_000,
  handshakeTimeoutMs: 10_000,
  // the minimum keepalive interval is 10 s for gRPC, 1 s for Envoy
  controlFrames: { burst: 200, perSecond: 10 },
  abandonedCalls: { burst: 1000, perSecond: 100 },
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  maxConnectionAgeMs: null,
  maxConnectionAgeGraceMs: 30_000,
} satisfies Limits;
