import type { StatusCode } from './status.ts';

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
