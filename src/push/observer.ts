import type { FlushWork } from '../compile/contract.ts';
import type { NamedType, XdsType } from '../proto/resource.ts';
import type { Response } from '../xds/wire/response.ts';
import type { Client, Sent } from './client.ts';

/** What happens while pushing, for metrics. Calls must be cheap: some come once per response and stream. */
export interface PushObserver {
  connected(client: Client): void;
  disconnected(client: Client, reason: string): void;
  /** A client was not served: its peer has as many scopes as it may. */
  refused(): void;
  sent(client: Client, response: Sent): void;
  acknowledged(client: Client, response: Response, convergenceMs: number | null): void;
  rejected(client: Client, type: XdsType | NamedType): void;
  /** Withheld removals went before their time. */
  forcedRelease(type: XdsType, names: number): void;
  flushed(flush: FlushReport): void;
  /** A request without a stream was answered; `isKnown`: the client had it already. */
  fetched(type: XdsType, isKnown: boolean): void;
}

export interface FlushReport {
  /** Milliseconds of work, without the pauses for other work in between. */
  readonly workMs: number;
  /** Layers of which something was compiled; 0: no rule contributes to anything else than before. */
  readonly layersCompiled: number;
  readonly work: FlushWork;
  /** Resources changed or removed in all tables. */
  readonly resources: number;
}

/** Tells a second observer what changes the clients and the tables, too. */
export function withSecond(
  first: PushObserver,
  second: Pick<PushObserver, 'connected' | 'disconnected' | 'flushed'>,
): PushObserver {
  return {
    ...first,
    connected(client) {
      first.connected(client);
      second.connected(client);
    },
    disconnected(client, reason) {
      first.disconnected(client, reason);
      second.disconnected(client, reason);
    },
    flushed(flush) {
      first.flushed(flush);
      second.flushed(flush);
    },
  };
}

/** Observes nothing: for tests. */
export const unobserved: PushObserver = {
  connected: () => {},
  disconnected: () => {},
  refused: () => {},
  sent: () => {},
  acknowledged: () => {},
  rejected: () => {},
  forcedRelease: () => {},
  flushed: () => {},
  fetched: () => {},
};
