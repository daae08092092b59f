/** Something that has things to send, a piece at a time. */
export interface Sender {
  /** Sends the next piece. Answers how many bytes it and its answer have, or null when there is nothing (more) to send now. */
  sendNext(): number | null;
  /** Whether it waits for its turn; for whoever gives the turns. */
  isQueued: boolean;
}
