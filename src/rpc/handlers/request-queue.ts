/**
 * Messages waiting for a handler. There are few: the call pauses at `enough` waiting messages. The memory of each
 * counts until the handler requests the next one.
 */
export class RequestQueue implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #flow: Flow;
  readonly #waiting: Uint8Array[] = [];
  #end: { readonly error: Error | null } | null = null;
  #takers: ((wake: null) => void)[] = [];
  #paused = false;
  /** Length of the message that the handler received last. */
  #handed = 0;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  /**
   * Adds a message. Keeps the bytes, so they must not change. Throws a RpcError when the client's messages need too
   * much memory.
   */
  push(bytes: Uint8Array): void {
    if (this.#end !== null) return;
    this.#flow.reserve(bytes.length);
    // a small message may be a view of a large read buffer
    this.#waiting.push(bytes.buffer.byteLength > 2 * bytes.length ? Uint8Array.from(bytes) : bytes);
    if (this.#waiting.length >= enough && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
    this.#wake();
  }

  /** Ends the queue: the client is done (null), or the call has ended. Only the first call counts. */
  end(error: Error | null): void {
    this.#end ??= { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    this.#handled();
    for (;;) {
      const bytes = this.#waiting.shift();
      if (bytes !== undefined) {
        this.#handed = bytes.length;
        this.#letFlow();
        return { done: false, value: bytes };
      }
      if (this.#end !== null) {
        if (this.#end.error !== null) throw this.#end.error;
        return { done: true, value: undefined };
      }
      await new Promise<null>((resolve) => this.#takers.push(resolve));
    }
  }

  /** The handler stops reading. Later messages are dropped. */
  async return(): Promise<IteratorResult<Uint8Array>> {
    this.end(null);
    this.#handled();
    for (const { length } of this.#waiting) this.#flow.reserve(-length);
    this.#waiting.length = 0;
    this.#letFlow();
    return { done: true, value: undefined };
  }

  #handled(): void {
    if (this.#handed > 0) this.#flow.reserve(-this.#handed);
    this.#handed = 0;
  }

  #letFlow(): void {
    if (!this.#paused || this.#waiting.length > 0) return;
    this.#paused = false;
    this.#flow.resume();
  }

  #wake(): void {
    const takers = this.#takers;
    this.#takers = [];
    for (const wake of takers) wake(null);
  }
}

/** Flow control of the client. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** Counts or releases memory: see ServerCall. */
  reserve(bytes: number): void;
}

const enough = 4;
