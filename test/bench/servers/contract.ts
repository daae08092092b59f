/** `bare` has no logic (bare-program.mjs); the others are control planes. */
export type ServerName = 'binnacle' | 'bare' | 'linear' | 'snapshot';

/** A server under test. It receives changes over one persistent connection, like a registrar's. */
export interface BenchServer {
  readonly name: ServerName;
  readonly pid: number;
  readonly xdsPort: number;
  /** Gives the first endpoint of a service the address `token`. */
  changeEndpoint(service: number, token: string): Promise<void>;
  /** Puts a route with the path prefix `token` first in one virtual host. */
  changeRoute(token: string): Promise<void>;
  /**
   * Returns the longest blocking of its event loop since the last call, in milliseconds; null without an event loop.
   */
  eventLoopDelayMs(): Promise<number | null>;
  stop(): Promise<void>;
}
