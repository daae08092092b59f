import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Limits } from './limits.ts';
import type { Peers } from './peers.ts';
import type { StatusCode } from './status.ts';

/** Time in this room: nothing here asks what hour it is, and a step of the clock changes nothing. */
export interface Timing {
  /** A monotonic time in milliseconds. */
  elapsed(): number;
  readonly after: Clock['after'];
}

/** What connections and their calls share. */
export interface Surroundings {
  readonly timing: Timing;
  readonly log: Logger;
  readonly limits: Limits;
  readonly observer: RpcObserver;
  readonly peers: Peers;
  /** Uniform in [0, 1); spreads connection ages. */
  readonly random: () => number;
}

/** Told of what clients do, for metrics. */
export interface RpcObserver {
  /** A connection or call was ended for it. */
  cutOff(reason: CutOff): void;
  /** A call has its status. */
  ended(code: StatusCode): void;
  /** What would have been logged was not: there were too many lines about the same address. */
  logLineDropped(): void;
}

export const silentObserver: RpcObserver = { cutOff: () => {}, ended: () => {}, logLineDropped: () => {} };

/** Every reason to end a connection or a call that its client would rather keep. */
export const cutOffs = [
  'call-flood',
  'certificate-refused',
  'control-flood',
  'handshake-failed',
  'handshake-timeout',
  'keepalive-timeout',
  'message-timeout',
  'message-too-large',
  'no-h2',
  'protocol-error',
  'request-flood',
  'request-timeout',
  'reset-flood',
  'slow-reader',
  'too-many-calls',
  'too-many-connections',
  'unfinished-messages',
] as const;

export type CutOff = (typeof cutOffs)[number];
