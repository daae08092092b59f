import { type DeltaRequest, parseDeltaRequest, parseSotwRequest, type SotwRequest } from '../wire/request.ts';
import type { Mode } from '../wire/response.ts';

/**
 * Cache of long subscriptions by their bytes. A thousand proxies of one mesh subscribe to the same thousand names. An equal
 * subscription is recognised as it arrives, and neither buffered nor parsed (figures: ADR 9). Its size is bounded.
 */
export class RequestCache {
  readonly #parse: (bytes: Uint8Array) => SotwRequest | DeltaRequest;
  /** Requests by length, the newest last; the oldest are dropped first. */
  readonly #known = new Map<number, Known>();
  #bytes = 0;

  constructor(mode: Mode) {
    this.#parse = mode === 'sotw' ? parseSotwRequest : parseDeltaRequest;
  }

  /** Returns a known subscription of this length in one part, for which `read` returns the cached request. */
  candidate(length: number): { readonly parts: readonly [Uint8Array]; readonly length: number } | null {
    return this.#known.get(length) ?? null;
  }

  /** Parses a request, or returns the cached one. @throws MalformedMessage */
  read(bytes: Uint8Array): SotwRequest | DeltaRequest {
    const known = this.#known.get(bytes.length);
    if (known?.parts[0] === bytes) return known.request;
    const request = this.#parse(bytes);
    return isCacheable(request, bytes) ? this.#remember(bytes) : request;
  }

  #remember(bytes: Uint8Array): SotwRequest | DeltaRequest {
    const own = Uint8Array.from(bytes); // it was a view of the socket's buffer
    const request = this.#parse(own);
    this.#forget(own.length);
    this.#known.set(own.length, { parts: [own], length: own.length, request });
    this.#bytes += own.length;
    for (const length of this.#known.keys()) {
      if (this.#bytes <= maxBytes) break;
      this.#forget(length);
    }
    return request;
  }

  #forget(length: number): void {
    if (this.#known.delete(length)) this.#bytes -= length;
  }
}

interface Known {
  readonly parts: readonly [Uint8Array];
  readonly length: number;
  /** Its byte fields are views of `parts`. */
  readonly request: SotwRequest | DeltaRequest;
}

/** Excludes requests with a node, which are of one client, and answers, which are of one response. */
function isCacheable(request: SotwRequest | DeltaRequest, bytes: Uint8Array): boolean {
  const isFirst = request.node === null && request.nonce === '' && request.error === null;
  return isFirst && bytes.length >= smallest && bytes.length <= largest;
}

/** Below this size, parsing costs no more than recognising. */
const smallest = 1_024;
const largest = 2 << 20;
const maxBytes = 4 << 20;
