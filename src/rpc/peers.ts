import type { Limits } from './limits.ts';
import type { CutOff, RpcObserver } from './observer.ts';
import { RpcError } from './status.ts';
import { TokenBucket } from './token-bucket.ts';

export interface PeersOptions {
  readonly limits: Limits;
  /** Monotonic time in milliseconds. */
  readonly elapsed: () => number;
  readonly observer: RpcObserver;
}

/** Resource use of all clients, in total and by IP address. The servers of one process share it. */
export class Peers {
  readonly options: PeersOptions;
  openCalls = 0;
  heldBytes = 0;
  readonly #byAddress = new Map<string, Peer>();
  #sizeAtLastSweep = 0;

  constructor(options: PeersOptions) {
    this.options = options;
  }

  of(address: string): Peer {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    if (this.#byAddress.size > 2 * this.#sizeAtLastSweep + 1_000) this.#sweep();
    const peer = new Peer(this);
    this.#byAddress.set(address, peer);
    return peer;
  }

  /** Drops addresses without connections whose token buckets are full again: reconnecting does not refill a bucket. */
  #sweep(): void {
    for (const [address, peer] of this.#byAddress) if (peer.isForgettable) this.#byAddress.delete(address);
    this.#sizeAtLastSweep = this.#byAddress.size;
  }
}

/** Resource use of the clients of one IP address, over all their connections. */
export class Peer {
  connections = 0;
  #openCalls = 0;
  #heldBytes = 0;
  readonly #all: Peers;
  readonly #calls: TokenBucket;
  readonly #requests: TokenBucket;
  readonly #logLines: TokenBucket;

  constructor(all: Peers) {
    const { limits, elapsed } = all.options;
    this.#all = all;
    this.#calls = new TokenBucket(limits.callsPerPeer, elapsed());
    this.#requests = new TokenBucket(limits.requestsPerPeer, elapsed());
    this.#logLines = new TokenBucket(limits.logLinesPerPeer, elapsed());
  }

  get isForgettable(): boolean {
    const nowMs = this.#all.options.elapsed();
    return this.connections === 0 && [this.#calls, this.#requests, this.#logLines].every((one) => one.isFull(nowMs));
  }

  /** Counts a call until `callClosed`. Over a limit, returns the reason and does not count it. */
  callOpened(): CutOff | null {
    const { limits, elapsed } = this.#all.options;
    if (!this.#calls.take(elapsed())) return 'call-flood';
    if (this.#openCalls >= limits.maxStreamsPerPeer || this.#all.openCalls >= limits.maxStreams) {
      return 'too-many-calls';
    }
    this.#openCalls++;
    this.#all.openCalls++;
    return null;
  }

  callClosed(): void {
    this.#openCalls--;
    this.#all.openCalls--;
  }

  /** Counts memory for messages; a negative number releases it. Throws a RpcError over a limit. */
  reserve(bytes: number): void {
    const { maxHeldBytes, maxHeldBytesPerPeer } = this.#all.options.limits;
    if (bytes > 0 && this.#heldBytes + bytes > maxHeldBytesPerPeer)
      throw tooManyHeldBytes('this address', maxHeldBytesPerPeer);
    if (bytes > 0 && this.#all.heldBytes + bytes > maxHeldBytes) throw tooManyHeldBytes('all clients', maxHeldBytes);
    this.#heldBytes += bytes;
    this.#all.heldBytes += bytes;
  }

  /** Counts a message to parse. Returns false when there were too many. */
  requested(): boolean {
    return this.#requests.take(this.#all.options.elapsed());
  }

  /** Allows one more message: the client may answer the written one. */
  answered(): void {
    this.#requests.add(1);
  }

  /** Returns whether a line about these clients may be logged, and counts it. */
  mayLog(): boolean {
    const { elapsed, observer } = this.#all.options;
    if (this.#logLines.take(elapsed())) return true;
    observer.logLineDropped();
    return false;
  }
}

export const tooManyHeldBytes = (whose: string, limit: number): RpcError =>
  new RpcError('RESOURCE_EXHAUSTED', `messages of ${whose} that are not handled are over the limit of ${limit} bytes`);
