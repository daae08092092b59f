/** One HTTP exchange with an apiserver. */
export interface WireRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | null;
  /** Ends the exchange, its response included. */
  readonly signal: AbortSignal;
}

export interface WireResponse {
  readonly status: number;
  /** Value of `retry-after`; null if absent. */
  readonly retryAfter: string | null;
  readonly body: AsyncIterable<Buffer>;
}

/** Connections to one server, of one version of HTTP. */
export interface Wire {
  /** Resolves with the response's head. Rejects if the connection fails or `signal` aborts. */
  send(request: WireRequest): Promise<WireResponse>;
  /** Takes no more requests. Exchanges that are under way go on. */
  retire(): void;
  /** Ends all exchanges at once. */
  close(): void;
  /** Reports whether nothing is open any more. */
  isDone(): boolean;
}
