import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Limits } from './limits.ts';

/** What connections and their calls share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly observer: RpcObserver;
  /** Uniform in [0, 1); spreads connection ages. */
  readonly random: () => number;
}

/** Told of what is ended because of what a client does, for metrics. */
export interface RpcObserver {
  cutOff(reason: CutOff): void;
}

/** Every reason to end a connection or a call that its client would rather keep. */
export const cutOffs = [
  'certificate-refused',
  'control-flood',
  'handshake-failed',
  'handshake-timeout',
  'keepalive-timeout',
  'message-timeout',
  'no-h2',
  'protocol-error',
  'reset-flood',
  'slow-reader',
  'too-many-connections',
  'unfinished-messages',
] as const;

export type CutOff = (typeof cutOffs)[number];
