import type { StatusCode } from './status.ts';

/** Receives events about clients, for metrics. */
export interface RpcObserver {
  /** A connection or call was ended for this reason. */
  cutOff(reason: CutOff): void;
  /** A call got its status. */
  ended(code: StatusCode): void;
  /** A log line was dropped: there were too many about the same address. */
  logLineDropped(): void;
}

export const silentObserver: RpcObserver = { cutOff: () => {}, ended: () => {}, logLineDropped: () => {} };

/** Reasons to end a connection or a call against its client's will. */
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
