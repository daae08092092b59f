import type { Logger } from '../lib/logger.ts';
import type { XdsType } from '../proto/resource.ts';
import { dropBytesInFlight, type TypeState } from '../xds/stream/stream.ts';
import type { Client } from './client.ts';

/** Time limit for an answer. Envoy answers clusters without endpoints after 15 seconds. */
export const maxAnswerMs = 30_000;

/**
 * Finds responses that are not answered in time. Some clients never answer a response that they cannot apply, and MOSN
 * then stops receiving. Without this check, operators would not notice.
 */
export class UnansweredResponses {
  readonly #log: Logger;
  readonly #afterMs: number;
  /** Nonces that were logged, per client. */
  readonly #reported = new WeakMap<Client, Map<XdsType, string>>();
  #counts = new Map<XdsType, number>();

  constructor({ log, afterMs = maxAnswerMs }: { readonly log: Logger; readonly afterMs?: number }) {
    this.#log = log;
    this.#afterMs = afterMs;
  }

  /** Returns the number of overdue responses of a type, as of the last check. */
  count(type: XdsType): number {
    return this.#counts.get(type) ?? 0;
  }

  /** Checks the responses of these clients. Each overdue response is logged once. */
  check(clients: Iterable<Client>, nowMs: number): void {
    const counts = new Map<XdsType, number>();
    for (const client of clients) {
      for (const state of client.stream.types.values()) {
        const { type, inFlight, sentAtMs } = state;
        if (inFlight === null || nowMs - sentAtMs < this.#afterMs) continue;
        counts.set(type, (counts.get(type) ?? 0) + 1);
        this.#report(client, state, nowMs - sentAtMs);
      }
    }
    this.#counts = counts;
  }

  #report(client: Client, state: TypeState, waitedMs: number): void {
    const known = this.#reported.get(client) ?? new Map<XdsType, string>();
    if (state.inFlight === null || known.get(state.type) === state.inFlight.nonce) return;
    dropBytesInFlight(state);
    const { type, nonce, updated: brought } = state.inFlight;
    this.#reported.set(client, known.set(type, nonce));
    const resources = brought.slice(0, maxNamed);
    this.#log.warn({ proxy: client.proxy.id, type, nonce, resources, waitedMs }, 'response not answered by proxy');
  }
}

const maxNamed = 10;
