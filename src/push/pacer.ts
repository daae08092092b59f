import type { Sender } from '../xds/tables/sender.ts';

export interface PacerOptions {
  /** Defers a turn; `setImmediate`, so that input and timers get their turn in between. */
  readonly defer: (run: () => void) => void;
  /** A sender threw. The others are served all the same. */
  readonly failed: (sender: Sender, error: unknown) => void;
  /** Bytes handed to sockets in one turn, and what comes back for them. */
  readonly bytesPerTurn?: number;
  /** Senders served in one turn: so few that what is known of them is still in the processor's caches when they answer. */
  readonly sendersPerTurn?: number;
}

/**
 * Hands the sockets work in turns. A thousand clients that connect at once want gigabytes; written in one go the event
 * loop would stand still for seconds, health checks with it. A sender stands in the queue once, however often it is added,
 * and what it sends is made when its turn comes, from the newest state.
 */
export class Pacer {
  /** Those before `#next` have had their turn; those that are not queued any more are passed over. */
  #queue: Sender[] = [];
  #next = 0;
  #waiting = 0;
  readonly #options: Required<PacerOptions>;
  #scheduled = false;

  constructor(options: PacerOptions) {
    this.#options = { bytesPerTurn: 4 << 20, sendersPerTurn: 40, ...options };
  }

  get waiting(): number {
    return this.#waiting;
  }

  add(sender: Sender): void {
    if (sender.isQueued) return;
    sender.isQueued = true;
    this.#waiting++;
    this.#queue.push(sender);
    this.#schedule();
  }

  remove(sender: Sender): void {
    if (!sender.isQueued) return;
    sender.isQueued = false;
    this.#waiting--;
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting === 0) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      this.#turn();
      this.#schedule();
    });
  }

  #turn(): void {
    const { sendersPerTurn, bytesPerTurn } = this.#options;
    let bytes = 0;
    for (let senders = 0; senders < sendersPerTurn && bytes < bytesPerTurn; senders++) {
      const sender = this.#take();
      if (sender === null) return;
      try {
        bytes += this.#serve(sender, bytesPerTurn - bytes);
      } catch (error) {
        this.#options.failed(sender, error);
      }
    }
  }

  /** The first that waits; null when nobody does. */
  #take(): Sender | null {
    if (this.#next === forgetAfter) {
      this.#queue.splice(0, this.#next);
      this.#next = 0;
    }
    for (let sender = this.#queue[this.#next]; sender !== undefined; sender = this.#queue[this.#next]) {
      this.#next++;
      if (!sender.isQueued) continue;
      sender.isQueued = false;
      this.#waiting--;
      return sender;
    }
    this.#queue = [];
    this.#next = 0;
    return null;
  }

  /** @returns how much it sent: `budget`, or more by its last piece, if it may have more to send. */
  #serve(sender: Sender, budget: number): number {
    let bytes = 0;
    for (let sent = sender.sendNext(); sent !== null; sent = sender.sendNext()) {
      bytes += sent;
      if (bytes < budget) continue;
      this.add(sender); // behind the others
      break;
    }
    return bytes;
  }
}

/** So many that have had their turn are dropped from the queue's front at once. */
const forgetAfter = 1_000;
