/** Sends responses one at a time. */
export interface Sender {
  /** Sends the next response. Returns the bytes of it and its expected answer; null: there is nothing to send now. */
  sendNext(): number | null;
  /** True if it is queued for a turn; owned by the queue. */
  isQueued: boolean;
}
