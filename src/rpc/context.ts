import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Limits } from './limits.ts';
import type { RpcObserver } from './observer.ts';
import type { Peers } from './peers.ts';

/** Time for this room. It is monotonic, so setting the clock changes nothing. */
export interface Timing {
  /** Monotonic time in milliseconds. */
  elapsed(): number;
  readonly after: Clock['after'];
}

/** Dependencies that connections and their calls share. */
export interface RpcContext {
  readonly timing: Timing;
  readonly log: Logger;
  readonly limits: Limits;
  readonly observer: RpcObserver;
  readonly peers: Peers;
  /** Uniform in [0, 1); spreads connection ages. */
  readonly random: () => number;
}
