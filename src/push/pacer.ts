/** Something that has things to send, a piece at a time. */
export interface Sender {
  /** Sends the next piece. Answers how many bytes it and its answer have, or null when there is nothing (more) to send now. */
  sendNext(): number | null;
}

export interface PacerOptions {
  /** Defers a turn; `setImmediate`, so that input and timers get their turn in between. */
  readonly defer: (run: () => void) => void;
  /** A sender threw. The others are served all the same. */
  readonly failed: (sender: Sender, error: unknown) => void;
  /** Bytes handed to sockets in one turn, and what comes back for them. */
  readonly bytesPerTurn?: number;
  /** Senders served in one turn. */
  readonly sendersPerTurn?: number;
}

/**
 * Hands the sockets work in turns. A thousand clients that connect at once want gigabytes; written in one go the event
 * loop would stand still for seconds, health checks with it. A sender stands in the queue once, however often it is added,
 * and what it sends is made when its turn comes, from the newest state.
 */
export class Pacer {
  readonly #queue = new Set<Sender>();
  readonly #options: Required<PacerOptions>;
  #scheduled = false;

  constructor(options: PacerOptions) {
    this.#options = { bytesPerTurn: 4 << 20, sendersPerTurn: 100, ...options };
  }

  get waiting(): number {
    return this.#queue.size;
  }

  add(sender: Sender): void {
    this.#queue.add(sender);
    this.#schedule();
  }

  remove(sender: Sender): void {
    this.#queue.delete(sender);
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.size === 0) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      this.#turn();
      this.#schedule();
    });
  }

  #turn(): void {
    let bytes = 0;
    let senders = 0;
    for (const sender of this.#queue) {
      if (senders >= this.#options.sendersPerTurn || bytes >= this.#options.bytesPerTurn) return;
      this.#queue.delete(sender);
      senders++;
      try {
        bytes += this.#serve(sender, this.#options.bytesPerTurn - bytes);
      } catch (error) {
        this.#options.failed(sender, error);
      }
    }
  }

  /** @returns how much it sent: `budget`, or more by its last piece, if it may have more to send. */
  #serve(sender: Sender, budget: number): number {
    let bytes = 0;
    for (let sent = sender.sendNext(); sent !== null; sent = sender.sendNext()) {
      bytes += sent;
      if (bytes < budget) continue;
      this.#queue.add(sender); // behind the others
      break;
    }
    return bytes;
  }
}
