/** What a client may ask of the server, and what the server asks of a connection. */
export interface Limits {
  /** The largest message taken, before and after decompression. Larger ones end their call with RESOURCE_EXHAUSTED. */
  readonly maxReceiveBytes: number;
  /** Open calls on one connection. */
  readonly maxConcurrentStreams: number;
  /** Names, values and 32 bytes for each header of one request, together. */
  readonly maxHeaderListBytes: number;
  /** What one connection may hold in Node's HTTP/2 session, most of it unsent responses, before new calls are refused. */
  readonly maxSessionMemoryBytes: number;
  /** How much a client may send on one stream, or on all streams of a connection, before it hears that it was read. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** A connection is pinged this often and ended when the answer does not come in time. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** After this age, ± 10 %, a connection is asked to leave, so that clients spread over replicas. `null`: never. */
  readonly maxConnectionAgeMs: number | null;
  /** How long calls may go on after that. */
  readonly maxConnectionAgeGraceMs: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: Limits = {
  maxReceiveBytes: 16 * mebibyte,
  maxConcurrentStreams: 1000,
  maxHeaderListBytes: 16 * 1024,
  // Node's own 10 MB is less than a few whole-mesh responses, and a client that reached it was refused for good
  maxSessionMemoryBytes: 512 * mebibyte,
  // an acknowledgement that repeats thousands of names goes through without waiting for a window update
  streamWindowBytes: mebibyte,
  connectionWindowBytes: 4 * mebibyte,
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  maxConnectionAgeMs: null,
  maxConnectionAgeGraceMs: 30_000,
};
