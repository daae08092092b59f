import { type DeltaRequest, parseDeltaRequest, parseSotwRequest, type SotwRequest } from '../wire/request.ts';
import type { Mode } from '../wire/response.ts';

/**
 * Long subscriptions as clients wrote them. A thousand proxies of one mesh ask for the same thousand names. A subscription
 * with the bytes of another's is recognised while it arrives, and neither gathered nor parsed. Without it a stream of a
 * connect storm takes 5 to 10 % more CPU (ADR 9). Bounded, whatever clients send.
 */
export class RequestCache {
  readonly #parse: (bytes: Uint8Array) => SotwRequest | DeltaRequest;
  /** By length, the newest last: a client that writes otherwise takes the place of one that has not come for long. */
  readonly #known = new Map<number, Known>();
  #bytes = 0;

  constructor(mode: Mode) {
    this.#parse = mode === 'sotw' ? parseSotwRequest : parseDeltaRequest;
  }

  /** The subscription of this length that may be arriving, if one is known: one part, which `read` knows again. */
  candidate(length: number): { readonly parts: readonly [Uint8Array]; readonly length: number } | null {
    return this.#known.get(length) ?? null;
  }

  /** What a request says. @throws MalformedMessage */
  read(bytes: Uint8Array): SotwRequest | DeltaRequest {
    const known = this.#known.get(bytes.length);
    if (known?.parts[0] === bytes) return known.request;
    const request = this.#parse(bytes);
    return isCacheable(request, bytes) ? this.#remember(bytes) : request;
  }

  #remember(bytes: Uint8Array): SotwRequest | DeltaRequest {
    const own = Uint8Array.from(bytes); // a view into what the socket read until now
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
  /** Its views are of the bytes. */
  readonly request: SotwRequest | DeltaRequest;
}

/** A node is of one client, and an answer of one response. What a client has already is too long to be shared by many. */
function isCacheable(request: SotwRequest | DeltaRequest, bytes: Uint8Array): boolean {
  const isFirst = request.node === null && request.nonce === '' && request.error === null;
  return isFirst && bytes.length >= smallest && bytes.length <= largest;
}

/** Shorter ones are read as fast as they are recognised. */
const smallest = 1_024;
const largest = 2 << 20;
const maxBytes = 4 << 20;
