import type { Sender } from '../xds/tables/sender.ts';

export interface PacerOptions {
  /** Defers a turn; `setImmediate`, so that input and timers get their turn in between. */
  readonly defer: (run: () => void) => void;
  /** Called when a sender throws. The others are still served. */
  readonly failed: (sender: Sender, error: unknown) => void;
  /** Bytes per turn: those handed to sockets and those of the expected answers. */
  readonly bytesPerTurn?: number;
  /** Senders per turn: few enough that their states are still in the processor's caches when they answer. */
  readonly sendersPerTurn?: number;
}

/**
 * Queue that serves senders in turns. A thousand clients that connect at once need gigabytes; written in one turn, these
 * would block the event loop, and with it health checks, for seconds. A sender is queued once, and its responses are built
 * in its turn, from the newest state.
 */
export class Pacer {
  /** Senders before `#next` were served; those with `isQueued` false were removed. */
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

  /** Removes and returns the first queued sender, or null. */
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

  /** Returns the bytes sent: at least `budget` if the sender may have more to send. */
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

/** Number of served senders that are removed from the front of the queue at once. */
const forgetAfter = 1_000;
