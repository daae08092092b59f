import type { Logger } from '../lib/logger.ts';
import type { XdsType } from '../proto/resource.ts';
import { dropBytesInFlight, type TypeState } from '../xds/stream/stream.ts';
import type { Client } from './client.ts';

/** How long a client may take. Envoy answers clusters whose endpoints do not come after 15 seconds. */
export const maxAnswerMs = 30_000;

/**
 * Finds responses that are not answered in time. Some clients say nothing of a response that they cannot take, and
 * MOSN's receiving ends for good: without this, nobody would know.
 */
export class UnansweredResponses {
  readonly #log: Logger;
  readonly #afterMs: number;
  /** The nonces that the log has a line of, per client. */
  readonly #reported = new WeakMap<Client, Map<XdsType, string>>();
  #counts = new Map<XdsType, number>();

  constructor({ log, afterMs = maxAnswerMs }: { readonly log: Logger; readonly afterMs?: number }) {
    this.#log = log;
    this.#afterMs = afterMs;
  }

  /** How many responses of a type were overdue when it was looked at last. */
  count(type: XdsType): number {
    return this.#counts.get(type) ?? 0;
  }

  /** Looks at what these clients owe; each overdue response is logged once. */
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
