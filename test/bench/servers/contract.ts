/** `bare` decides nothing (bare-program.mjs); the others are control planes. */
export type ServerName = 'binnacle' | 'bare' | 'linear' | 'snapshot';

/** A server under test. It is told of changes over one connection that stays open, as a registrar's does. */
export interface BenchServer {
  readonly name: ServerName;
  readonly pid: number;
  readonly xdsPort: number;
  /** Gives the first endpoint of a service the address `token`. */
  changeEndpoint(service: number, token: string): Promise<void>;
  /** Puts a route with the path prefix `token` first in one virtual host. */
  changeRoute(token: string): Promise<void>;
  /** The longest time that its event loop stood still since this was asked last, in milliseconds; null when it has none. */
  eventLoopDelayMs(): Promise<number | null>;
  stop(): Promise<void>;
}
